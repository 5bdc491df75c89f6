"""TestArchitect: writes the suite before there is a network."""

import ast

from neuromosaic.agents.asking import ask
from neuromosaic.core.proposals import Request, SuiteProposal
from neuromosaic.core.role_inputs import SuiteInputs
from neuromosaic.core.syntax import parse
from neuromosaic.llm.protocols import ModelClient

IMPORTABLE = {
    "__future__",
    "collections",
    "copy",
    "functools",
    "itertools",
    "math",
    "model",
    "pytest",
    "torch",
    "typing",
}
"""What a suite may import: it is delivered, and runs wherever PyTorch and pytest are."""

__test__ = False  # pytest takes names that begin with "test" for tests


def write_suite(client: ModelClient, inputs: SuiteInputs) -> SuiteProposal:
    """A pytest module for the contract; with `previous` and `findings`, that one mended. Raises ReplyError."""
    request = Request[SuiteProposal](
        role="TestArchitect", purpose="suite", inputs=inputs, reply=SuiteProposal, check=_faults
    )
    return ask(client, request)


def _faults(proposal: SuiteProposal) -> list[str]:
    tree = parse(proposal.source)
    return [
        f"test_model.py, line {line}: imports {name}, but may import only torch, math, pytest and model"
        for line, name in _imports(tree)
        if name.partition(".")[0] not in IMPORTABLE
    ]


def _imports(tree: ast.Module) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            found.append((node.lineno, node.module or "."))
    return found
