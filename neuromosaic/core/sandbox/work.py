"""What a locked child does with a job: builds the program and exports, tests or runs it."""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Converse, Job, Message, Program, SuiteOutcome
from neuromosaic.core.workers.source import FILE, attributed, build, load_model_class, seed_everything, with_defaults

if TYPE_CHECKING:
    from torch import nn

EXPORT_BATCH = 2


def perform(job: Job, folder: Path, converse: Converse) -> Message:
    """The result of a job whose subject is a program (or, for "test", a graph), with `folder` to write in."""
    if job.kind == "test":
        outcome = _test(job, folder)
        return Message({"outcomes": outcome.outcomes, "messages": outcome.messages})
    if not isinstance(job.subject, Program):
        raise ValueError(f"the sandbox does not {job.kind} graphs: the judge does")
    if job.kind == "export":
        return _export(job.subject, Contract.model_validate(job.arguments["contract"]), folder)
    return _run(job, job.subject, folder, converse)


def _export(program: Program, contract: Contract, folder: Path) -> Message:
    from neuromosaic.core.graph.export import example_inputs, export_module

    module = build(program, folder)
    inputs = example_inputs(contract, EXPORT_BATCH, program.seed)
    with attributed("forward", folder / FILE, module):
        _forward(module, inputs)
    with attributed("export", folder / FILE, module):
        graph = export_module(module, inputs)
    return Message({"document": graph.document}, graph.tensors)


def _forward(module: "nn.Module", inputs: tuple[Any, ...]) -> None:
    """One pass without a trace left: statistics and random numbers are as before."""
    import torch

    training = module.training
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        module.eval()(*inputs)
    module.train(training)


def _run(job: Job, program: Program, folder: Path, converse: Converse) -> Message:
    from neuromosaic.core.workers.jobs import JOBS

    module = build(program, folder)
    with attributed("raised", folder / FILE, module):
        return JOBS[job.kind](module, job, converse)


# ---------------------------------------------------------------- suites


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
        with_defaults(load_model_class(subject.source, folder), subject.values)
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

    Model.__module__ = Model.__qualname__ = "model"
    Model.__qualname__ = "Model"
    return Model
