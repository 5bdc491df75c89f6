"""What a variant with smaller numbers costs and gains: accuracy, latency and size, measured beside the original."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.delivery.exporting import Exported, Exporter
from neuromosaic.delivery.templates import template
from neuromosaic.delivery.text import measure, primary, words


class Opened(NamedTuple):
    """The data that a variant is scored on; None for the reason in `why`. `times`: how often the test split of these
    data has been opened, this time included, as far as the store knows."""

    dataset: Dataset | None
    why: str = ""
    times: int = 1


class Scored(NamedTuple):
    """The metric on the test split, and the interval for it (95%)."""

    value: float
    interval: tuple[float, float]

    @property
    def shown(self) -> str:
        return f"{measure(self.value)} ({measure(self.interval[0])} to {measure(self.interval[1])})"


_CHANGES: Final = {
    "int8": "Linear layers multiply 8-bit integers and add them up in 32 bits: weights with one step per output, "
    "inputs with one per row, found as they come. Recurrent layers keep their matrices as 8-bit integers and compute "
    "in float32. Everything else is float32 as before.",
    "bf16": "Weights and arithmetic are bfloat16; inputs and outputs stay float32.",
}


def measured(exporter: Exporter, variant: Exported, original: Exported, data: Opened, machine: str) -> Exported:
    """The variant with its figures beside those of `original` (torch-export), and a card that tells them."""
    names = {"original": original, variant.format: variant}
    sizes = {name: sum(map(len, one.files.values())) for name, one in names.items()}
    took = exporter.race(variant, original, exporter.material.results.brief.constraints.latency_batch)
    latency = dict(zip(names, (took["beside"], took["file"]), strict=True))
    scores = dict(zip(names, _scores(exporter, variant, data.dataset), strict=True)) if data.dataset else {}
    told = {
        "latency_ms": {**latency, "batch": took["batch"], "threads": took["threads"], "machine": machine},
        "bytes_beside": sizes, "accuracy": _accuracy(exporter, data, scores),
        "sentences": _sentences(variant.format, sizes, latency, took["batch"], scores, data),
    }  # fmt: skip
    card = _card(exporter, variant, told, scores)
    files = {**variant.files, f"card.{variant.format}.md": card.encode()}
    return variant._replace(files=files, told={**variant.told, **told})


def _scores(exporter: Exporter, variant: Exported, dataset: Dataset) -> tuple[Scored, Scored]:
    """Of the original and of the variant: workers give the outputs, the labels stay here."""
    test = dataset.open_test()
    x = from_numpy(test.x)
    outputs = (exporter.outputs(x), exporter.outputs_of(variant, x, len(test)))
    found = [_scored(dataset, primary(exporter.material.results), one, test.y) for one in outputs]
    return found[0], found[1]


def _scored(dataset: Dataset, metric: str, outputs: np.ndarray, y: np.ndarray) -> Scored:
    in_units = dataset.preprocessing.unscale_targets
    predicted, truth, task = in_units(outputs), in_units(y), dataset.contract.task
    value = score(task, predicted, truth, (metric,))[metric]
    return Scored(value, interval(task, metric, predicted, truth))


def _accuracy(exporter: Exporter, data: Opened, scores: Mapping[str, Scored]) -> dict[str, Any] | None:
    if data.dataset is None:
        return None
    about = {"metric": primary(exporter.material.results), "split": "test", "examples": data.dataset.summary.test,
             "data": data.dataset.name, "hash": data.dataset.hash, "test_opened": data.times}  # fmt: skip
    return {**about, **{name: one._asdict() for name, one in scores.items()}}


def _sentences(
    name: str, sizes: Mapping[str, int], latency: Mapping[str, Mapping[str, float]], batch: int,
    scores: Mapping[str, Scored], data: Opened,
) -> list[str]:  # fmt: skip
    """What speaks against the variant, and what is not known of it."""
    ratio = latency[name]["p50"] / latency["original"]["p50"]
    said = []
    if ratio > 1:
        said.append(f"{name} is slower than the original on this machine: it takes {ratio:.3g} times as long for a "
                    f"batch of {batch}.")  # fmt: skip
    if sizes[name] >= sizes["original"]:
        said.append(
            f"Its file is no smaller than the original's: {sizes[name]:,} bytes beside {sizes['original']:,}."
        )
    if not scores:
        return [*said, f"How well it predicts was not measured: {data.why}"]
    own, original = scores[name], scores["original"]
    low, high = original.interval
    if not low <= own.value <= high:
        said.append(f"Its figure on the test split, {own.shown}, lies outside the original's interval.")
    return [*said, f"For this the test split was opened once more ({data.times} times as far as the store knows)."]


def _card(exporter: Exporter, variant: Exported, told: Mapping[str, Any], scores: Mapping[str, Scored]) -> str:
    results = exporter.material.results
    return template("variant.md.j2").render(
        name=exporter.material.candidate.name, run=results.run, variant=variant.format, told=told, scores=scores,
        metric=words(primary(results)), changes=_CHANGES[variant.format], layers=variant.told,
        file=next(iter(variant.files)), difference=variant.difference,
    )  # fmt: skip
