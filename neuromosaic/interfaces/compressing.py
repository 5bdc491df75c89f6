"""`neuromosaic compress`: narrower variants of a delivered network, pruned, taught by it, and measured beside it."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import CandidateError, DataError, RunFailedError, UsageError, WorkerError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.metrics import higher_is_better, score
from neuromosaic.core.evaluation.pruning import check_alike, narrowed
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job, Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.search.pareto import pareto_front
from neuromosaic.core.signature import signature_of
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.delivery.source import whole_numbers, with_defaults
from neuromosaic.interfaces.use import Delivered, read_folder

LEAST = 2  # of what can be a width
REPEATS = 200


class Variant(NamedTuple):
    """One network, measured. `values`: the constructor's arguments that differ from the delivered ones."""

    name: str
    source: str
    values: dict[str, int]
    weights: dict[str, TensorData]
    figures: dict[str, float]


def compress(
    folder: Path, ref: str, shares: Sequence[float], out: Path | None, *, as_json: bool, boundary: Accepted = "auto"
) -> None:
    """A variant for each share of the widths, in folders of their own, and all of them with the front marked."""
    if not shares or not all(0 < share < 1 for share in shares):
        raise UsageError("share: give shares of the widths between 0 and 1, such as --share 0.5 --share 0.25")
    delivered, target = read_folder(folder), out or folder.with_name(f"{folder.name}-compressed")
    if target.exists():
        raise UsageError(f"{target} exists already: name another place, or move it away")
    dataset = load_dataset(Brief(data=ref, target=delivered.results["brief"].get("target")), delivered.preprocessing)
    if dataset.contract != delivered.preprocessing.contract:
        raise DataError(
            f"{ref} asks for other inputs or outputs than this network has: give the data it was made for"
        )
    bench = _Bench(delivered, dataset, boundary)
    try:
        variants = [bench.original(), *(bench.variant(share) for share in sorted(shares, reverse=True))]
    finally:
        bench.close()
    _write(target, delivered, variants[1:])
    document = _document(delivered, variants)
    print(json.dumps(document, indent=2) if as_json else _table(document, target))


class _Bench:
    """The delivered network and its data, a sandbox for Python and a judge for graphs."""

    def __init__(self, delivered: Delivered, dataset: Dataset, boundary: Accepted) -> None:
        self.delivered, self.dataset = delivered, dataset
        self.metric = delivered.primary
        self.recipe = Recipe.model_validate(delivered.results["recipe"])
        self.sandbox, self.judge = ProcessSandbox(workers=1, boundary=boundary), ProcessJudge(workers=1)
        self.graph = self._with(self._exported(delivered.source), delivered.weights)
        self.teacher = self._outputs(self.graph, dataset.train.x)
        self.widths = self._widths()

    def close(self) -> None:
        self.sandbox.close()
        self.judge.close()

    def original(self) -> Variant:
        delivered = self.delivered
        return Variant("delivered", delivered.source, {}, delivered.weights, self._figures(self.graph))

    def variant(self, share: float) -> Variant:
        values = {name: max(1, round(share * value)) for name, value in self.widths.items()}
        source = with_defaults(self.delivered.source, {**values})
        graph = self._exported(source)
        pruned = self._with(graph, narrowed(self.delivered.weights, _shapes(graph, self.delivered.weights)))
        _say(f"share {share:g}: {', '.join(f'{name} {value}' for name, value in values.items())}")
        plan = MetricsPlan(loss=self.recipe.loss, primary=self.metric)
        outcome = run_trial(
            self.judge, pruned, self.dataset, self.recipe, plan, fidelity=1.0, seed=0, timeout=24 * 3600.0,
            teacher=self.teacher,
        )  # fmt: skip
        if not outcome.weights:
            raise RunFailedError(
                f"share {share:g}: training ended without weights ({outcome.cause}): take a larger one"
            )
        figures = self._figures(self._with(pruned, outcome.weights))
        return Variant(f"share-{share:g}", source, values, outcome.weights, figures)

    # ------------------------------------------------------------ what can be narrower

    def _widths(self) -> dict[str, int]:
        """Whole-number arguments that change channels alone: same tensors, fewer weights, outputs as before."""
        found = {name: value for name, value in whole_numbers(self.delivered.source).items() if value >= LEAST}
        widths = {name: value for name, value in found.items() if self._narrows({name: max(1, value // 2)})}
        if not widths:
            known = ", ".join(found) or "none"
            raise UsageError(
                f"{self.delivered.folder}: no argument of its constructor ({known}) makes it narrower by itself, so"
                " that there is nothing to prune"
            )
        return widths

    def _narrows(self, values: Mapping[str, int]) -> bool:
        with suppress(CandidateError, WorkerError, UsageError, ValueError):  # it needs that argument as it is
            graph = self._exported(with_defaults(self.delivered.source, dict(values)))
            wide = {name: tensor.shape for name, tensor in self.delivered.weights.items()}
            narrow = _shapes(graph, self.delivered.weights)
            check_alike(wide, narrow)
            return wide != narrow and all(wide[name][2:] == narrow[name][2:] for name in wide) and self._fits(graph)
        return False

    def _fits(self, graph: Graph) -> bool:
        outputs = self._outputs(graph, self.dataset.train.x[:2])
        return tuple(outputs.shape[1:]) == tuple(self.dataset.contract.output.shape)

    # ------------------------------------------------------------ work

    def _exported(self, source: str) -> Graph:
        found = self.sandbox.export(Program(source, {}, 0), signature_of(self.dataset.contract))
        if found.graph is None:
            raise UsageError(
                f"{self.delivered.folder}: its network cannot be exported, so that it cannot be compressed"
            )
        return found.graph

    @staticmethod
    def _with(graph: Graph, weights: Mapping[str, TensorData]) -> Graph:
        return replace(graph, tensors={**graph.tensors, **weights})

    def _outputs(self, graph: Graph, x: Any) -> Any:
        job = Job("predict", graph, {"batch": 256}, {"x": from_numpy(x)}, timeout=3600)
        return to_numpy(self.judge.run(job).tensors["outputs"])

    def _figures(self, graph: Graph) -> dict[str, float]:
        """The metric on validation and test, parameters, and the latency of one example."""
        validation, test = self.dataset.validation, self.dataset.open_test()
        units = self.dataset.preprocessing.unscale_targets
        found = {
            f"{part}_{self.metric}": score(
                self.dataset.contract.task, units(self._outputs(graph, split.x)), units(split.y), (self.metric,)
            )[self.metric]
            for part, split in (("val", validation), ("test", test))
        }
        contract = self.dataset.contract.model_dump(mode="json")
        arguments = {"contract": contract, "batch": 1, "repeats": REPEATS}
        latency = self.judge.run(Job("measure", graph, arguments, timeout=600)).body
        parameters = sum(prod(graph.tensors[name].shape) for name in _tensors(graph, "parameters"))
        return {**found, "parameters": float(parameters), "p50_ms": latency["p50"], "p95_ms": latency["p95"]}


def _shapes(graph: Graph, weights: Mapping[str, TensorData]) -> dict[str, tuple[int, ...]]:
    """Of the tensors that a state_dict has, which are those of `weights` in networks of one kind."""
    entries = [*graph.document["parameters"], *graph.document["buffers"]]
    stored = {entry["name"]: entry.get("same_as", entry["name"]) for entry in entries}
    named = _tensors(graph, "parameters") | stored.keys() & weights.keys()
    return {name: graph.tensors[stored[name]].shape for name in named}


def _tensors(graph: Graph, kind: str) -> set[str]:
    """Names of stored tensors; one with two names stands under the first."""
    return {str(entry["name"]) for entry in graph.document[kind]} & graph.tensors.keys()


# ---------------------------------------------------------------- what is told and written


def _document(delivered: Delivered, variants: Sequence[Variant]) -> dict[str, Any]:
    metric = delivered.primary
    sign = -1.0 if higher_is_better(metric) else 1.0
    front = pareto_front(variants, lambda one: [sign * one.figures[f"val_{metric}"], one.figures["parameters"]])
    rows = [
        {"name": one.name, "values": one.values, **one.figures, "pareto": any(one is other for other in front)}
        for one in variants
    ]
    return {"metric": metric, "variants": rows}


def _table(document: dict[str, Any], target: Path) -> str:
    metric = document["metric"]
    lines = [f"{'':12} {'parameters':>10}  {'val':>8}  {'test':>8}  {'p50 ms':>8}  {metric}"]
    for one in document["variants"]:
        mark = "on the front" if one["pareto"] else ""
        figures = [f"{one[f'{part}_{metric}']:8.4g}" for part in ("val", "test")]
        lines.append(
            f"{one['name']:12} {one['parameters']:10,.0f}  {figures[0]}  {figures[1]}  {one['p50_ms']:8.3g}  {mark}"
        )
    return "\n".join([*lines, f"each in a folder of its own in {target}"])


def _write(target: Path, delivered: Delivered, variants: Sequence[Variant]) -> None:
    """A folder as delivered ones are, for each variant."""
    from safetensors.numpy import save_file

    partial = target.with_name(f".{target.name}.part")
    for one in variants:
        folder = partial / one.name
        folder.mkdir(parents=True)
        for name in ("test_model.py", "preprocessing.json"):
            (folder / name).write_bytes((delivered.folder / name).read_bytes())
        (folder / "model.py").write_text(one.source, encoding="utf-8")
        results = delivered.results | {"compressed": {"values": one.values, "figures": one.figures}}
        (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        save_file({name: to_numpy(data) for name, data in one.weights.items()}, folder / "weights.safetensors")
    partial.rename(target)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
