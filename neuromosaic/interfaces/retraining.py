"""Training a delivered architecture on new data: exported behind the boundary, trained by the judge."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError, RunFailedError, UsageError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.handing_over import predicted
from neuromosaic.core.evaluation.hardware import choose_device
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import to_numpy
from neuromosaic.core.judge.across import AcrossDevices
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.interfaces.use import Delivered, Settings


class Retrained(NamedTuple):
    """`metrics` on the new data's own splits: "val_..." and "test_..."; `settings` say how it was trained."""

    weights: dict[str, TensorData]
    metrics: dict[str, float]
    settings: dict[str, object]


class Workers(NamedTuple):
    """Who trains, and who runs what was trained: a graph in the judge, other Python in the sandbox."""

    training: Judge | Sandbox
    judge: Judge
    sandbox: Sandbox


def train_again(delivered: Delivered, brief: Brief, settings: Settings, *, say: Callable[[str], None]) -> Retrained:
    """Raises DataError where the new data do not fit the network, RunFailedError where training comes to nothing."""
    dataset = load_dataset(brief, delivered.preprocessing)
    if dataset.contract != delivered.preprocessing.contract:
        raise DataError(
            f"{brief.data} asks for {dataset.contract.output.shape} outputs, this network has others: design anew"
        )
    if settings.devices > 1 and dataset.contract.generative == "gan":
        raise UsageError("--devices: a pair trained in turn is trained by one process; leave it out")
    recipe = Recipe.model_validate(
        delivered.results["recipe"] | ({"epochs": settings.epochs} if settings.epochs else {})
    )
    device = choose_device(settings.accelerator)
    together = AcrossDevices(settings.devices, device) if settings.devices > 1 else None
    sandbox = ProcessSandbox(workers=1, boundary=settings.boundary)
    judge = ProcessJudge(workers=1, device=device)
    try:
        subject = _subject(sandbox, delivered, dataset, brief.seed, keep=not settings.from_scratch)
        if together is not None and not isinstance(subject, Graph):
            raise UsageError("--devices: this network cannot be exported, and only graphs are trained across devices")
        workers = Workers(together or (judge if isinstance(subject, Graph) else sandbox), judge, sandbox)
        return _train(workers, subject, delivered, dataset, recipe, settings, say)
    finally:
        sandbox.close()
        judge.close()


def _subject(sandbox: Sandbox, delivered: Delivered, dataset: Dataset, seed: int, *, keep: bool) -> Graph | Program:
    """The graph, with the delivered weights where they are kept."""
    program = Program(delivered.source, {}, seed)
    graph = sandbox.export(program, signature_of(dataset.contract)).graph
    if graph is None and keep:
        raise RunFailedError("this network cannot be exported: only --from-scratch works for it")
    if graph is None:
        return program
    return replace(graph, tensors={**graph.tensors, **delivered.weights}) if keep else graph


def _train(
    workers: Workers, subject: Graph | Program, delivered: Delivered, dataset: Dataset, recipe: Recipe,
    settings: Settings, say: Callable[[str], None],
) -> Retrained:  # fmt: skip
    metric = delivered.primary

    def on_epoch(epoch: Mapping[str, float]) -> None:
        figures = f"loss {epoch['loss']:.4g}, {metric} {epoch[metric]:.4g}"
        say(f"epoch {epoch['epoch']:g} of {math.ceil(recipe.epochs)}: {figures}")

    plan = MetricsPlan(loss=recipe.loss, primary=metric)
    outcome = run_trial(
        workers.training, subject, dataset, recipe, plan, fidelity=1.0, seed=settings.seed, timeout=24 * 3600.0,
        on_epoch=on_epoch,
    )  # fmt: skip
    if not outcome.weights:
        raise RunFailedError(f"training ended without weights ({outcome.cause}): {outcome.message}")
    if outcome.message:
        say(outcome.message)
    test = dataset.open_test()
    weights = {f"weights/{name}": data for name, data in outcome.weights.items()}
    worker = workers.judge if isinstance(subject, Graph) else workers.sandbox
    outputs = predicted(worker, subject, test.x, weights, 600, dataset.contract)
    unscale = dataset.preprocessing.unscale_targets
    naive = dataset.preprocessing.naive_error
    tested = score(dataset.contract.task, unscale(outputs), unscale(test.y), (metric,), naive)
    metrics = {f"val_{name}": value for name, value in outcome.metrics.items()}
    metrics |= {f"test_{name}": value for name, value in tested.items()}
    how = {
        "recipe": recipe.model_dump(mode="json"),
        "seed": settings.seed,
        "from_scratch": settings.from_scratch,
        "devices": settings.devices,
        "data": dataset.hash,
    }
    return Retrained(outcome.weights, metrics, how)


def write(target: Path, delivered: Delivered, trained: Retrained) -> None:
    """model.py, test_model.py and preprocessing.json as they were, the new weights, and retrained.json."""
    from safetensors.numpy import save_file

    partial = target.with_name(f".{target.name}.part")
    partial.mkdir(parents=True)
    for name in ("model.py", "test_model.py", "preprocessing.json"):
        (partial / name).write_bytes((delivered.folder / name).read_bytes())
    results = delivered.results | {"retrained": trained.settings | {"metrics": trained.metrics}}
    (partial / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    save_file({name: to_numpy(data) for name, data in trained.weights.items()}, partial / "weights.safetensors")
    partial.rename(target)
