"""A loss of the user's own: read once, tried before anything is designed, and kept with the run."""

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from neuromosaic.core.brief import Value
from neuromosaic.core.errors import CandidateError, UsageError
from neuromosaic.core.protocols import Program
from neuromosaic.core.spelling import suggest
from neuromosaic.core.validation.own_loss import loss_graph

if TYPE_CHECKING:
    from neuromosaic.workflows.bench import Workbench

STEP = "own loss"
USUAL = "usual"
"""In place of a name: the loss of the task, and no other is proposed."""


class OwnLoss(Value):
    """`source` with the class `entry`, and its `graph` as `Recipe.loss_graph` holds it."""

    source: str
    entry: str
    graph: str


def settle(bench: "Workbench") -> None:
    """Reads and tries the loss that the brief names; nothing where it names none.

    Raises UsageError in one sentence where it cannot be read or used.
    """
    if bench.brief.loss in (None, USUAL) or bench.store.step(bench.run, STEP) is not None:
        return
    if bench.dataset.contract.task == "generation":
        raise UsageError(f"loss {bench.brief.loss}: a generative network brings its own loss; leave it out")
    source, entry = read(bench.brief.loss)
    program = Program(source, {}, bench.brief.seed, entry)
    try:
        graph = loss_graph(program, bench.dataset.contract, bench.sandbox, bench.judge)
    except CandidateError as error:
        raise UsageError(f"loss {bench.brief.loss}: {error}") from None
    bench.once(STEP, lambda: OwnLoss(source=source, entry=entry, graph=graph).model_dump())
    proof = bench.prove("loss", entry=entry, source=source, boundary=bench.sandbox.boundary)
    bench.tell("note", text=f"Training minimises {bench.brief.loss}, which passed its gates (evidence {proof}).")


def own_loss(bench: "Workbench") -> OwnLoss | None:
    """What was settled, if anything."""
    settled = bench.store.step(bench.run, STEP)
    return OwnLoss.model_validate(settled) if settled else None


def read(named: str) -> tuple[str, str]:
    """Source and class of "path.py:Class"; the source is not run here. Raises UsageError."""
    path, _, entry = named.rpartition(":")
    if not path.endswith(".py") or not entry.isidentifier():
        raise UsageError(f"loss {named!r}: name a file and a class in it, as losses.py:Focal, or say usual")
    try:
        source = Path(path).expanduser().read_text(encoding="utf-8")
        classes = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"loss {named}: {path} cannot be read: {reason}") from None
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"loss {named}: {path} is not Python: {error}") from None
    if entry not in classes:
        raise UsageError(f"loss {named}: {path} has no class {entry} at its top level{suggest(entry, classes)}")
    return source, entry
