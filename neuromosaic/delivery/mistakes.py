"""Where the delivered network is wrong on the test split: plots and tables by task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from neuromosaic.core.evaluation.data.inputs import ImageInputs, TextInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.delivery.contents import Delivery, Predictions
from neuromosaic.delivery.figures import Plot, Table, plot
from neuromosaic.delivery.narration import number
from neuromosaic.delivery.text import chosen

WORST = 15
"""Classes listed where there are too many for all."""
CLASSES = 30
"""More make a confusion matrix that nobody can read."""


class Mistakes(NamedTuple):
    plots: Sequence[Plot]
    tables: Sequence[Table] = ()
    title: str = "Mistakes"


def mistakes(delivery: Delivery) -> Mistakes:
    """By task; nothing where the test split's predictions are not at hand or not finite."""
    import numpy as np

    found, best = delivery.predictions, chosen(delivery.results)
    if found is None or best is None or not len(found.targets) or not np.isfinite(found.outputs).all():
        return Mistakes([])
    preprocessing = Preprocessing.model_validate_json(delivery.preprocessing)
    return _BY_TASK[preprocessing.task](found, preprocessing)


def _classification(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    from neuromosaic.delivery.plots.mistakes import calibration, confusion, confusion_matrix

    names = [str(name) for name in preprocessing.classes]
    counts = confusion(found.outputs, found.targets, len(names))
    plots: list[Plot] = []
    if len(names) <= CLASSES:
        caption = (
            "Rows: what it is; columns: what it was taken for. Mistakes are drawn stronger than they are frequent."
        )
        plots = plot(confusion_matrix(counts, names, "confusion"), caption, wide=len(names) > 16)
    svg, error = calibration(found.outputs, found.targets, "calibration")
    plots += plot(svg, f"Can its confidence be trusted? Expected calibration error {error:.3f} (0 is perfect).")
    return Mistakes(plots, [*_confused(counts, names), _classes(found, names)])


def _confused(counts: Any, names: Sequence[str]) -> list[Table]:
    from neuromosaic.delivery.plots.mistakes import most_confused

    pairs = [
        (pair.actual, pair.predicted, str(pair.examples), f"{pair.share:.1%}")
        for pair in most_confused(counts, names)
    ]
    headers = ("it is", "it said", "examples", "of that class")
    return [Table("Most frequent mistakes", headers, pairs)] if pairs else []


def _classes(found: Predictions, names: Sequence[str]) -> Table:
    from neuromosaic.core.evaluation.metrics import per_class

    scores = per_class(found.outputs, found.targets)
    order = list(range(len(names)))
    title = "Class by class"
    if len(names) > CLASSES:
        present = [place for place in order if scores[place]["support"]]
        order = sorted(present, key=lambda place: scores[place]["recall"])[:WORST]
        title = f"The {len(order)} classes it recognises least, of {len(names)}"
    columns = ("precision", "recall", "f1")
    body = [
        (names[place], number(scores[place]["support"]), *(_three(scores[place][column]) for column in columns))
        for place in order
    ]
    return Table(title, ("class", "examples", "precision", "recall", "F1"), body)


def _by_position(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    """Every step, node or pixel that counts, as an example of its own."""
    from neuromosaic.core.evaluation.positions import flat

    scores, ids, _ = flat(found.outputs, found.targets)
    return _classification(Predictions(scores, ids), preprocessing)


def _labels(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    from neuromosaic.core.evaluation.multi_label import chances, per_label
    from neuromosaic.delivery.plots.mistakes import calibration_of

    says = found.outputs > 0
    confidence = chances(abs(found.outputs)).ravel()
    svg, error = calibration_of(confidence, (says == (found.targets > 0)).ravel(), "calibration")
    plots = plot(svg, f"Can its confidence be trusted? Expected calibration error {error:.3f} (0 is perfect).")
    columns = ("precision", "recall", "f1", "average_precision")
    rows = zip(preprocessing.classes, per_label(found.outputs, found.targets), strict=True)
    body = [
        (str(name), number(scores["support"]), *(_three(scores[column]) for column in columns))
        for name, scores in rows
    ]
    headers = ("label", "examples", "precision", "recall", "F1", "average precision")
    return Mistakes(plots, [Table("Label by label", headers, body)])


def _three(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"


def _regression(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    import numpy as np

    from neuromosaic.delivery.plots.mistakes import SHOWN, predicted_against_actual, residuals

    targets = getattr(preprocessing.targets, "columns", ())
    plots: list[Plot] = []
    for place in range(min(found.targets.shape[1], 4)):
        label = targets[place] if place < len(targets) else "value"
        outputs, actual = found.outputs[:, place], found.targets[:, place]
        some = f" {SHOWN:,} of {len(actual):,} examples are shown." if len(actual) > SHOWN else ""
        plots += plot(predicted_against_actual(outputs, actual, f"actual{place}", label), f"Test split.{some}")
        middle, ninth = np.quantile(np.abs(outputs - actual), [0.5, 0.9])
        sizes = f"Half of the errors are below {middle:.3g}, nine in ten below {ninth:.3g}"
        caption = f"{sizes}; the first and last bars hold what is beyond."
        plots += plot(residuals(outputs, actual, f"residuals{place}", label), caption)
    return Mistakes(plots)


def _language(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    from neuromosaic.delivery.plots.mistakes import bits_by_character, bits_by_position

    inputs = preprocessing.inputs
    assert isinstance(inputs, TextInputs)  # what the task reads
    return Mistakes([
        *plot(bits_by_position(found.outputs, found.targets, "positions"),
               "What its memory is worth: the more characters it has read, the fewer bits the next one costs."),
        *plot(bits_by_character(found.outputs, found.targets, inputs.characters, "characters"),
               "Where the bits go: how often a character comes, times how hard it is to foresee."),
    ])  # fmt: skip


def _neighbours(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    """Each example is taken for what its nearest neighbour is."""
    import numpy as np

    from neuromosaic.core.evaluation.similarity import nearest
    from neuromosaic.delivery.plots.mistakes import confusion, confusion_matrix

    names = [str(name) for name in preprocessing.classes]
    counts = confusion(np.eye(len(names))[found.targets[nearest(found.outputs, 1)[:, 0]]], found.targets, len(names))
    caption = "Rows: what it is; columns: what its nearest neighbour is. Mistakes are drawn stronger than they are."
    drawn = confusion_matrix(counts, names, "confusion") if len(names) <= CLASSES else ""
    return Mistakes(plot(drawn, caption, wide=len(names) > 16), _confused(counts, names))


def _generation(found: Predictions, preprocessing: Preprocessing) -> Mistakes:
    """Not mistakes alone: what it makes beside what it has never seen, in the user's units."""
    from neuromosaic.core.evaluation.generation import came_back, draws_of

    held, draws = (preprocessing.unscale_inputs(values) for values in (found.targets, draws_of(found.outputs)))
    inputs = preprocessing.inputs
    if not isinstance(inputs, ImageInputs):
        return Mistakes([], [_spreads(held, draws, getattr(inputs, "features", ()))], "Draws")
    from neuromosaic.delivery.plots.generation import picture_grid

    generative = getattr(preprocessing.targets, "generative", "autoencoder")
    back = came_back(found.outputs)
    returned = [] if back is None else [(_CAME_BACK[generative], preprocessing.unscale_inputs(back))]
    kinds = [("held-out examples", held), *returned, ("draws", draws)]
    low, high = min(inputs.scaling.low), max(inputs.scaling.high)
    caption = "Test examples, which no step before had seen; draws are made of noise that this program drew."
    return Mistakes(plot(picture_grid(kinds, low, high, "draws"), caption, wide=True), title="Draws")


_CAME_BACK = {
    "autoencoder": "the same, come back from their codes",
    "flow": "the same in a little noise, come back from their codes",
    "diffusion": "the same, come back from as much noise as there is of them",
    "autoregressive": "the same, each value as it was expected from those before it",
}


def _spreads(held: Any, draws: Any, names: Sequence[str]) -> Table:
    """Mean and standard deviation of each column or feature."""
    import numpy as np

    last = [values.reshape(-1, values.shape[-1]) for values in (held, draws)]
    figures = [(values.mean(axis=0), values.std(axis=0)) for values in last]
    labels = [names[place] if place < len(names) else f"feature {place}" for place in range(last[0].shape[1])]
    body = [
        (label, *(f"{mean[place]:.4g} \u00b1 {std[place]:.4g}" for mean, std in figures))
        for place, label in enumerate(labels[:CLASSES])
    ]
    return Table("Mean and spread", ("of", "held-out examples", "draws"), np.array(body).tolist())


_BY_TASK: dict[str, Callable[[Predictions, Preprocessing], Mistakes]] = {
    "classification": _classification,
    "forecasting": _regression,
    "multi_label": _labels,
    "sequence_labelling": _by_position,
    "node_classification": _by_position,
    "segmentation": _by_position,
    "regression": _regression,
    "generation": _generation,
    "metric_learning": _neighbours,
    "language_modelling": _language,
}
