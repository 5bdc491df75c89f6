"""In which precision a run trains: as it was asked to, or as its own network proves fastest, once and for all."""

from neuromosaic.core.evaluation.precision import Decided, measured
from neuromosaic.core.evaluation.recipe import Recipe, WantedPrecision
from neuromosaic.core.graph.document import Graph
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, canonical, subject

FEWEST_STEPS = 1000
"""Of a full training, below which some hundred steps in each precision are not repaid."""


def in_precision(bench: Workbench, recipe: Recipe, candidate: Candidate | None) -> Recipe:
    """The recipe in the precision of this run. `candidate`: the network that is measured, where one is to be."""
    wanted = bench.options.precision or _usual(bench)
    chosen = _decided(bench, recipe, candidate).precision if wanted == "auto" else wanted
    return recipe.model_copy(update={"precision": chosen})


def _usual(bench: Workbench) -> WantedPrecision:
    """On a CPU float32 was the fastest for most networks (`benchmarks/evaluation.py precision`)."""
    return "float32" if bench.hardware.device == "cpu" else "auto"


def _decided(bench: Workbench, recipe: Recipe, candidate: Candidate | None) -> Decided:
    """Stored as a step of the run, so that a resumed one asks no clock."""
    if candidate is None or candidate.graph is None:
        decided = _unmeasured("a network that cannot be exported is not asked how long its steps take")
    elif _steps(bench, recipe) < FEWEST_STEPS:
        decided = _unmeasured(f"a training of {_steps(bench, recipe)} steps would not repay measuring others")
    else:
        key = _key(bench, recipe, candidate)
        step = bench.once("precision", lambda: {"key": key, **_measured(bench, recipe, candidate, key).model_dump()})
        decided = Decided.model_validate({name: step[name] for name in Decided.model_fields})
    bench.tell("precision", **decided.model_dump())
    return decided


def _unmeasured(why: str) -> Decided:
    return Decided(precision="float32", reason=f"float32: {why}", gains={})


def _steps(bench: Workbench, recipe: Recipe) -> int:
    from neuromosaic.core.evaluation.loop import steps_in

    return steps_in(len(bench.dataset.train.x), recipe, 1.0)


def _key(bench: Workbench, recipe: Recipe, candidate: Candidate) -> str:
    """The same machine, PyTorch, network and recipe, whatever each run's noise made of the machine's speed."""
    import torch

    machine = bench.hardware.model_dump(mode="json", exclude={"gflops"})
    return canonical([machine, torch.__version__, candidate.id, recipe.model_dump(mode="json"), bench.dataset.hash])


def _measured(bench: Workbench, recipe: Recipe, candidate: Candidate, key: str) -> Decided:
    """As measured now, or in an earlier run of the store: a repeated run trains in the same precision."""
    for record in bench.store.runs():
        step = bench.store.step(record.id, "precision")
        if step is not None and step["key"] == key:
            return Decided.model_validate({name: step[name] for name in Decided.model_fields})
    graph = subject(bench, candidate)
    assert isinstance(graph, Graph)  # the candidate has one
    return measured(bench.judge, graph, bench.dataset, recipe, bench.brief.seed)
