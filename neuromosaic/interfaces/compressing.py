"""`neuromosaic compress`: narrower variants of a delivered network, pruned, taught by it, and measured beside it."""

import json
import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import CandidateError, DataError, RunFailedError, UsageError
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.handing_over import predicted
from neuromosaic.core.evaluation.metrics import higher_is_better, score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import to_numpy
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.search.pareto import pareto_front
from neuromosaic.core.store.openings import count_later_opening
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.delivery.source import whole_numbers, with_defaults
from neuromosaic.interfaces.use import Delivered, read_folder
from neuromosaic.workflows.compression import Compression, placed, tensors_of

REPEATS = 200


class Made(NamedTuple):
    """One network, trained. `values`: the constructor's arguments that differ from the delivered ones."""

    name: str
    source: str
    values: dict[str, int]
    weights: dict[str, TensorData]
    graph: Graph


class Variant(NamedTuple):
    made: Made
    figures: dict[str, float]


def compress(
    root: Path, folder: Path, ref: str, shares: Sequence[float], out: Path | None, *, as_json: bool,
    boundary: Accepted = "auto",
) -> None:  # fmt: skip
    """A variant for each share of the widths, in folders of their own, and all of them with the front marked.

    The test split is opened once all of them are trained, and that is counted in the store at `root`.
    """
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
    bench = _Measured(delivered, dataset, boundary)
    try:
        made = bench.all(sorted(shares, reverse=True))
        run, names = str(delivered.results["run"]), [one.name for one in made]
        times = count_later_opening(root, run, dataset.hash, names)
        variants = [bench.measured(one) for one in made]
    finally:
        bench.close()
    _write(target, delivered, variants[1:])
    document = _document(delivered, variants) | {"test_opened": times}
    print(json.dumps(document, indent=2) if as_json else table(document, target))


class _Measured:
    """Networks made and measured side by side, by one sandbox and one judge."""

    def __init__(self, delivered: Delivered, dataset: Dataset, boundary: Accepted) -> None:
        self.delivered, self.dataset, self.metric = delivered, dataset, delivered.primary
        self.recipe = Recipe.model_validate(delivered.results["recipe"])
        self.sandbox, self.judge = ProcessSandbox(workers=1, boundary=boundary), ProcessJudge(workers=1)

    def close(self) -> None:
        self.sandbox.close()
        self.judge.close()

    def all(self, shares: Sequence[float]) -> list[Made]:
        """The delivered network, and one for each share of its widths. Raises UsageError where none is narrower."""
        delivered = self.delivered
        try:
            compression = Compression(delivered.source, delivered.weights, self.dataset, self.sandbox, self.judge)
        except CandidateError as error:
            raise UsageError(f"{delivered.folder}: {error}") from None
        if not compression.widths:
            known = ", ".join(whole_numbers(delivered.source)) or "none"
            raise UsageError(
                f"{delivered.folder}: no argument of its constructor ({known}) makes it narrower by itself, so"
                " that there is nothing to prune"
            )
        original = Made("delivered", delivered.source, {}, delivered.weights, compression.graph)
        return [original, *(self._narrower(compression, share) for share in shares)]

    def _narrower(self, compression: Compression, share: float) -> Made:
        values = compression.values(share)
        source = with_defaults(self.delivered.source, {**values})
        pruned = compression.pruned(compression.exported(source))
        _say(f"share {share:g}: {', '.join(f'{name} {value}' for name, value in values.items())}")
        outcome = compression.taught(pruned, self.recipe, MetricsPlan(loss=self.recipe.loss, primary=self.metric), 0)
        if not outcome.weights:
            raise RunFailedError(
                f"share {share:g}: training ended without weights ({outcome.cause}): take a larger one"
            )
        return Made(f"share-{share:g}", source, values, outcome.weights, placed(pruned, outcome.weights))

    def measured(self, made: Made) -> Variant:
        """With the metric on validation and test, parameters, and the latency of one example."""
        contract = self.dataset.contract.model_dump(mode="json")
        arguments = {"contract": contract, "batch": 1, "repeats": REPEATS}
        latency = self.judge.run(Job("measure", made.graph, arguments, timeout=600)).body
        parameters = sum(prod(made.graph.tensors[name].shape) for name in tensors_of(made.graph, "parameters"))
        splits = {"val": self.dataset.validation, "test": self.dataset.open_test()}
        scores = {f"{part}_{self.metric}": self._score(made.graph, split) for part, split in splits.items()}
        costs = {"parameters": float(parameters), "p50_ms": latency["p50"], "p95_ms": latency["p95"]}
        return Variant(made, scores | costs)

    def _score(self, graph: Graph, split: Split) -> float:
        units = self.dataset.preprocessing.unscale_targets
        outputs = predicted(self.judge, graph, split.x, {}, 3600, self.dataset.contract)
        return score(self.dataset.contract.task, units(outputs), units(split.y), (self.metric,))[self.metric]


# ---------------------------------------------------------------- what is told and written


def _document(delivered: Delivered, variants: Sequence[Variant]) -> dict[str, Any]:
    metric = delivered.primary
    sign = -1.0 if higher_is_better(metric) else 1.0
    front = pareto_front(variants, lambda one: [sign * one.figures[f"val_{metric}"], one.figures["parameters"]])
    rows = [
        {
            "name": one.made.name,
            "values": one.made.values,
            **one.figures,
            "pareto": any(one is other for other in front),
        }
        for one in variants
    ]
    return {"metric": metric, "variants": rows}


def table(document: dict[str, Any], target: Path) -> str:
    """For people."""
    metric = document["metric"]
    lines = [f"{'':12} {'parameters':>10}  {'val':>8}  {'test':>8}  {'p50 ms':>8}  {metric}"]
    for one in document["variants"]:
        mark = "on the front" if one["pareto"] else ""
        figures = [f"{one[f'{part}_{metric}']:8.4g}" for part in ("val", "test")]
        lines.append(
            f"{one['name']:12} {one['parameters']:10,.0f}  {figures[0]}  {figures[1]}  {one['p50_ms']:8.3g}  {mark}"
        )
    opened = f"the test split of these data has now been opened {document['test_opened']} times"
    return "\n".join([*lines, opened, f"each in a folder of its own in {target}"])


def _write(target: Path, delivered: Delivered, variants: Sequence[Variant]) -> None:
    """A folder as delivered ones are, for each variant."""
    from safetensors.numpy import save_file

    partial = target.with_name(f".{target.name}.part")
    for one, figures in variants:
        folder = partial / one.name
        folder.mkdir(parents=True)
        for name in ("test_model.py", "preprocessing.json"):
            (folder / name).write_bytes((delivered.folder / name).read_bytes())
        (folder / "model.py").write_text(one.source, encoding="utf-8")
        results = delivered.results | {"compressed": {"values": one.values, "figures": figures}}
        (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        save_file({name: to_numpy(data) for name, data in one.weights.items()}, folder / "weights.safetensors")
    partial.rename(target)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
