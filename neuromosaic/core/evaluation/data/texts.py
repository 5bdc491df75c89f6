"""A text as a dataset for a character language model."""

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.agreement import check_agreement
from neuromosaic.core.evaluation.data.contents import content_hash
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.data.inputs import TextInputs
from neuromosaic.core.evaluation.data.noticing import unknown_characters
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import RawText
from neuromosaic.core.role_inputs import DataSummary

CONTEXT = 64
"""Characters that a language model sees at once, where the brief names no input shape."""


def dataset_of_text(raw: RawText, brief: Brief, known: Preprocessing | None) -> Dataset:
    """The first 90% of the text for training, then 5% each for validation and test, cut in windows.

    Raises DataError where the text is too short for that, or where the brief asks for another task.
    """
    if brief.task not in (None, "language_modelling"):
        raise DataError(f"{raw.name} is a text, for language modelling: {brief.task} needs examples with labels")
    context = text_inputs(known, raw.name).context if known else _context(brief)
    train, validation, test = _cut(raw, context)
    inputs = text_inputs(known, raw.name) if known else TextInputs.fit(train, context)
    preprocessing = known or Preprocessing(task="language_modelling", inputs=inputs, targets=None)
    check_agreement(brief, preprocessing, raw.name)
    notes = (*raw.notes, _how(context, brief), *unknown_characters(inputs, validation + test))
    return Dataset(
        name=raw.name,
        contract=preprocessing.contract,
        summary=_summary(raw.name, (train, validation, test), context, notes),
        train=Split(*inputs.windows(train)),
        validation=Split(*inputs.windows(validation)),
        hash=content_hash(raw),
        preprocessing=preprocessing,
        notes=notes,
        _test=lambda: Split(*inputs.windows(test)),
    )


def text_inputs(preprocessing: Preprocessing, name: str) -> TextInputs:
    """The text inputs of a network. Raises DataError where it reads something else."""
    if not isinstance(preprocessing.inputs, TextInputs):
        raise DataError(f"the network reads {preprocessing.inputs.kind} inputs, and {name} is a text")
    return preprocessing.inputs


def _context(brief: Brief) -> int:
    if brief.input is None:
        return CONTEXT
    if len(brief.input.shape) != 1:
        raise DataError(
            f"the brief says inputs with {len(brief.input.shape)} axes, but a text has one, time: give [characters]"
        )
    return brief.input.shape[0]


def _cut(raw: RawText, context: int) -> tuple[str, str, str]:
    text = raw.text
    first, second = int(0.9 * len(text)), int(0.95 * len(text))
    parts = text[:first], text[first:second], text[second:]
    if min(map(len, parts)) <= context:
        raise DataError(
            f"{raw.name} has {len(text)} characters, too few for windows of {context} in validation and test: "
            f"give at least {20 * (context + 1)}, or a shorter input in the brief"
        )
    return parts


def _how(context: int, brief: Brief) -> str:
    assumed = "" if brief.input else ", a length that the brief did not name"
    return f"the first 90% of the text are training, then 5% validation and 5% test, in windows of {context}{assumed}"


def _summary(name: str, parts: tuple[str, str, str], context: int, notes: tuple[str, ...]) -> DataSummary:
    train, validation, test = ((len(part) - 1) // context for part in parts)
    return DataSummary(name=name, kind="text", train=train, validation=validation, test=test, notes=notes)
