"""What a locked child does with a job: builds the program and exports, tests or runs it."""

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neuromosaic.core.errors import CandidateError, ExportError
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_torch
from neuromosaic.core.protocols import Converse, Job, Message, Program, SuiteOutcome
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.source import FILE, attributed, build, load_model_class, seed_everything, with_defaults

if TYPE_CHECKING:
    from torch import Tensor, nn

    from neuromosaic.core.workers.rehearsal import Rehearsal


def perform(job: Job, folder: Path, converse: Converse) -> Message:
    """The result of a job whose subject is a program (or, for "test", a graph), with `folder` to write in."""
    if job.kind == "test":
        return _tested(job, folder)
    if not isinstance(job.subject, Program):
        raise ValueError(f"the sandbox does not {job.kind} graphs: the judge does")
    if job.kind == "export":
        return _export(job.subject, Signature.model_validate(job.arguments["signature"]), folder)
    return _run(job, job.subject, folder, converse)


def _export(program: Program, signature: Signature, folder: Path) -> Message:
    """{"document" or "obstacle", "findings", "described", "cut"} and the tensors "graph/...", "x/0"..., "y/0"..."""
    from neuromosaic.core.workers.rehearsal import rehearse

    rehearsal = rehearse(program, signature, folder)
    body: dict[str, Any] = {
        "described": [_description(x) for x in rehearsal.inputs],
        "findings": [finding.model_dump(mode="json") for finding in rehearsal.findings],
        "exhausted": rehearsal.exhausted,
    }
    tensors = _examples(rehearsal)
    try:
        graph = _exported(rehearsal, signature, folder)
        body |= {"document": graph.document, "cut": _can_be_cut(graph, signature)}
        tensors |= {f"graph/{name}": tensor for name, tensor in graph.tensors.items()}
    except ExportError as error:
        reason = f"this network stays Python, as it cannot be exported: {error}"
        body["obstacle"] = {"message": reason, "line": error.line, "layer": error.layer}
    return Message(body, tensors)


def _exported(rehearsal: "Rehearsal", signature: Signature, folder: Path) -> Graph:
    from neuromosaic.core.graph.export import export_module
    from neuromosaic.core.workers.generating import methods

    with attributed("export", folder / FILE, rehearsal.module):
        return export_module(
            rehearsal.module, rehearsal.inputs, signature.batch_axes[:1], rehearsal.stated,
            methods(rehearsal.module, rehearsal.inputs, signature),
        )  # fmt: skip


def _can_be_cut(graph: Graph, signature: Signature) -> bool:
    """Whether the graph takes batches of any size."""
    return all(
        x["shape"][axis : axis + 1] == [None] for x in graph.document["inputs"] for axis in signature.batch_axes[:1]
    )


def _examples(rehearsal: "Rehearsal") -> dict[str, TensorData]:
    """None where the answers are not known; a network that answers in other than plain tensors shows none."""
    if rehearsal.outputs is None:
        return {}
    shown = {"x": rehearsal.inputs, "y": rehearsal.outputs}
    with suppress(ValueError, RuntimeError):
        return {
            f"{kind}/{number}": from_torch(tensor)
            for kind, tensors in shown.items()
            for number, tensor in enumerate(tensors)
        }
    return {}


def _description(tensor: "Tensor") -> dict[str, Any]:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}


def _run(job: Job, program: Program, folder: Path, converse: Converse) -> Message:
    from neuromosaic.core.workers.jobs import JOBS
    from neuromosaic.core.workers.rehearsal import bound

    module = build(program, folder)
    with attributed("raised", folder / FILE, module):
        if "signature" in job.arguments:
            module = bound(module, Signature.model_validate(job.arguments["signature"]), program.seed)
        return JOBS[job.kind](module, job, converse)


# ---------------------------------------------------------------- suites


def _tested(job: Job, folder: Path) -> Message:
    """{"outcomes", "messages"}; with "coverage" among the arguments, what the suite came through of model.py."""
    from neuromosaic.core.workers.coverage import coverage, traced

    if not job.arguments.get("coverage") or isinstance(job.subject, Graph):
        return Message(asdict(_test(job, folder)))
    with traced(folder / FILE) as arcs:
        outcome = _test(job, folder)
    return Message({**asdict(outcome), "coverage": coverage(job.subject.source, arcs)._asdict()})


def _test(job: Job, folder: Path) -> SuiteOutcome:
    from neuromosaic.core.workers.suite import run_suite, uncollected

    try:
        _offer(job.subject, folder)
    except CandidateError as error:
        where = f"model.py line {error.line}: " if error.line else "model.py: "
        return uncollected(where + str(error))
    return run_suite(job.arguments["suite"], folder)


def _offer(subject: Program | Graph, folder: Path) -> None:
    """Makes `from model import Model` give the subject."""
    if isinstance(subject, Program):
        with_defaults(load_model_class(subject.source, folder, subject.entry), subject.values)
        seed_everything(subject.seed)
        return
    module = ModuleType("model")
    module.Model = rebuilt_class(subject)  # type: ignore[attr-defined]
    sys.modules["model"] = module
    seed_everything(0)


def rebuilt_class(graph: Graph) -> "type[nn.Module]":
    """A class whose every `Model()` is the graph, rebuilt afresh; it takes no arguments."""
    from neuromosaic.core.graph.rebuild import rebuild

    kind = type(rebuild(graph))

    class Model(kind):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            self.__dict__.update(rebuild(graph).__dict__)

        def sample(self, n: int) -> "Tensor":
            """Standard normal codes, decoded; their size is that of an example's."""
            import torch

            shape = [size or 1 for size in graph.document["inputs"][0]["shape"]]
            decoded: Tensor = self.decode(torch.randn(n, *self.encode(torch.zeros(shape)).shape[1:]))
            return decoded

    Model.__module__ = Model.__qualname__ = "model"
    Model.__qualname__ = "Model"
    return Model
