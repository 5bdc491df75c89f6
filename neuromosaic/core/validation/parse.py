"""Gate "parse": what can be said of a proposed model.py from its text alone, within a millisecond or two.

The policy part is a clear early message, not the security boundary: that is the sandbox.
"""

import ast

from neuromosaic.core.protocols import Program, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.syntax import parse
from neuromosaic.core.validation.model_class import check_model
from neuromosaic.core.validation.policy import check_policy

GATE = "parse"
LARGEST = 1_000_000
"""Bytes of source: far above anything a person or a model writes, and far below what would hold the parser up."""


def check_source(program: Program, signature: Signature, *, strict: bool = True) -> Verdict:
    """Syntax, size, one class that can be built and called, and the policy. Raises nothing, whatever the source.

    `strict`: what the policy frowns upon is an error; else most of it is a warning.
    """
    tree = read_source(program.source)
    if isinstance(tree, Finding):
        return Verdict(GATE, (tree,))
    try:
        findings = [*check_model(tree, program, signature), *check_policy(tree, strict)]
    except RecursionError:
        return Verdict(GATE, (_too_deep(),))
    return Verdict(GATE, tuple(sorted(findings, key=lambda finding: (finding.severity, finding.line or 0))))


def read_source(source: str) -> ast.Module | Finding:
    """The syntax tree, or why there is none."""
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        return too_large(size)
    try:
        return parse(source)
    except SyntaxError as error:
        message = f"model.py is not Python: {error.msg} (line {error.lineno or 1})"
        return Finding(gate=GATE, code="syntax", message=message, line=error.lineno or 1)
    except (RecursionError, MemoryError):
        return _too_deep()
    except ValueError as error:
        return Finding(gate=GATE, code="syntax", message=f"model.py is not text that Python can read: {error}")


def too_large(size: int) -> Finding:
    message = f"model.py has {size:,} bytes, at most {LARGEST:,} are read: send the network alone, without data"
    return Finding(gate=GATE, code="too-large", message=message)


def _too_deep() -> Finding:
    message = "model.py is nested too deeply to be read: build the layers in a loop instead of in one expression"
    return Finding(gate=GATE, code="too-deep", message=message)
