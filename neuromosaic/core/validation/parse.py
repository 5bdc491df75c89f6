"""Gate "parse": what can be said of a proposed model.py from its text alone, within a millisecond or two.

The policy part is a clear early message, not the security boundary: that is the sandbox.
"""

import ast

from neuromosaic.core.brief import Contract
from neuromosaic.core.proposals import Finding
from neuromosaic.core.protocols import Verdict
from neuromosaic.core.syntax import parse
from neuromosaic.core.validation.model_class import check_model
from neuromosaic.core.validation.policy import check_policy

GATE = "parse"
LARGEST = 1_000_000
"""Bytes of source: far above anything a person or a model writes, and far below what would hold the parser up."""


def check_source(source: str, contract: Contract) -> Verdict:
    """Syntax, size, one class `Model` that needs no argument, and the policy. Raises nothing, whatever the source."""
    tree = _parsed(source)
    if isinstance(tree, Finding):
        return Verdict(GATE, (tree,))
    try:
        findings = [*check_model(tree, contract), *check_policy(tree)]
    except RecursionError:
        return Verdict(GATE, (_too_deep(),))
    return Verdict(GATE, tuple(sorted(findings, key=lambda finding: (finding.severity, finding.line or 0))))


def _parsed(source: str) -> ast.Module | Finding:
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        message = f"model.py has {size:,} bytes, at most {LARGEST:,} are read: send the network alone, without data"
        return Finding(gate=GATE, code="too-large", message=message)
    try:
        return parse(source)
    except SyntaxError as error:
        message = f"model.py is not Python: {error.msg} (line {error.lineno or 1})"
        return Finding(gate=GATE, code="syntax", message=message, line=error.lineno or 1)
    except (RecursionError, MemoryError):
        return _too_deep()
    except ValueError as error:
        return Finding(gate=GATE, code="syntax", message=f"model.py is not text that Python can read: {error}")


def _too_deep() -> Finding:
    message = "model.py is nested too deeply to be read: build the layers in a loop instead of in one expression"
    return Finding(gate=GATE, code="too-deep", message=message)
