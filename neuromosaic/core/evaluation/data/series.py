"""One long series as a dataset: windows of its past, and the values that follow each of them."""

from typing import NamedTuple

import numpy as np

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.agreement import check_agreement
from neuromosaic.core.evaluation.data.contents import check_finite, content_hash
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.data.inputs import Scaling, SequenceInputs
from neuromosaic.core.evaluation.data.pace import in_rows
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Array, Part, Raw, Table
from neuromosaic.core.evaluation.data.splitting import SHARE
from neuromosaic.core.evaluation.data.targets import SeriesTargets
from neuromosaic.core.role_inputs import DataSummary

PAST, HORIZON = 24, 1
"""Steps that a network looks back and ahead, where the brief names none."""
FEWEST = 2
"""Windows that each split needs."""


class _Cut(NamedTuple):
    """`train` before `first`, validation before `second`, test from there on; in steps of the series."""

    first: int
    second: int
    past: int
    horizon: int


def dataset_of_series(raw: Raw, brief: Brief, known: Preprocessing | None) -> Dataset:
    """The earliest steps are training, the latest test; what is to be forecast is the first of the features.

    Training windows begin at every step. Those of validation and test follow each other by a horizon, so that no
    value is scored twice; their past may reach back into the split before.
    Raises DataError for faulty data, and where they are too few or contradict the brief.
    """
    check_finite(raw.parts["train"], raw.name)
    values = in_order(raw)
    brief, timing = in_rows(brief, raw)
    cut = _cut(len(values), brief, known, raw.name)
    preprocessing = known or _fitted(raw, values[: cut.first], cut, brief)
    check_agreement(brief, preprocessing, raw.name)
    splits = [_split(values, starts, cut, preprocessing) for starts in _starts(len(values), cut)]
    notes = (*raw.notes, *timing, _how(cut, brief, known))
    summary = DataSummary(
        name=raw.name, kind="sequence", train=len(splits[0]), validation=len(splits[1]), test=len(splits[2]),
        columns=_names(raw), notes=notes,
    )  # fmt: skip
    return Dataset(
        name=raw.name, contract=preprocessing.contract, summary=summary, train=splits[0], validation=splits[1],
        hash=content_hash(raw), preprocessing=preprocessing, notes=notes, _test=lambda: splits[2],
    )  # fmt: skip


def latest_window(raw: Raw, known: Preprocessing) -> Array:
    """The last steps of a series, as a network reads them: [1, past, features].

    Raises DataError where the series is shorter than that.
    """
    check_finite(raw.parts["train"], raw.name)
    values, past = in_order(raw), known.contract.input.shape[0]
    if len(values) < past:
        raise DataError(f"the network looks back {past} steps, but {raw.name} has {len(values)}: give more")
    return known.apply(values[None, -past:])


def in_order(raw: Raw) -> Array:
    """float64 [steps, features], the target first, in the order of the times where there are any.

    Raises DataError where the data are no one series of numbers.
    """
    part = raw.parts["train"]
    others = _numbers(part, raw.name)
    if part.labels.ndim != 1 or part.labels.dtype.kind not in "biuf" or len(raw.parts) > 1:
        raise DataError(f"forecasting needs one series of numbers, the rows of {raw.name} in the order of time")
    values = np.concatenate([part.labels[:, None].astype(np.float64), others], axis=1)
    return values if raw.times is None else values[np.argsort(raw.times, kind="stable")]


def _numbers(part: Part, name: str) -> Array:
    if isinstance(part.x, Table):
        if part.x.text_names:
            odd = part.x.text_names[0]
            raise DataError(f"forecasting reads numbers, but {name} has the text column {odd!r}: drop it")
        return part.x.numbers
    if part.x.ndim != 2:
        raise DataError(f"forecasting needs one series, x of {name} as [steps, features] beside y [steps]")
    return part.x.astype(np.float64)


def _names(raw: Raw) -> tuple[str, ...]:
    x = raw.parts["train"].x
    others = x.number_names if isinstance(x, Table) else tuple(f"x{place}" for place in range(x.shape[1]))
    return (*(raw.columns or ("y",)), *others)


def _cut(steps: int, brief: Brief, known: Preprocessing | None, name: str) -> _Cut:
    if known is not None:
        past, horizon = known.contract.input.shape[0], known.contract.output.shape[0]
    else:
        past = brief.input.shape[0] if brief.input else PAST
        horizon = brief.output.shape[0] if brief.output else HORIZON
    cut = _Cut(round((1 - 2 * SHARE) * steps), round((1 - SHARE) * steps), past, horizon)
    if min(map(len, _starts(steps, cut))) < FEWEST:
        raise DataError(
            f"{name} has {steps} steps, too few for windows of {past} and a horizon of {horizon} in each split: give "
            "more, or shorter ones in the brief"
        )
    return cut


def _starts(steps: int, cut: _Cut) -> tuple[range, range, range]:
    """Where the windows of training, validation and test begin."""
    past, horizon = cut.past, cut.horizon
    return (
        range(cut.first - past - horizon + 1),
        range(max(0, cut.first - past), cut.second - past - horizon + 1, horizon),
        range(max(0, cut.second - past), steps - past - horizon + 1, horizon),
    )


def _fitted(raw: Raw, training: Array, cut: _Cut, brief: Brief) -> Preprocessing:
    scaling = Scaling.fit(training, axis=1)
    if scaling.low[0] == scaling.high[0]:
        raise DataError(f"the series of {raw.name} is {scaling.low[0]:g} throughout: there is nothing to forecast")
    names = _names(raw)
    targets = SeriesTargets(
        mean=scaling.mean[0], std=scaling.std[0], horizon=cut.horizon,
        naive_error=float(np.abs(np.diff(training[:, 0])).mean()),
        columns=names[:1], others=names[1:], time=brief.time,
    )  # fmt: skip
    inputs = SequenceInputs(shape=(cut.past, training.shape[1]), scaling=scaling)
    return Preprocessing(task="forecasting", inputs=inputs, targets=targets)


def _split(values: Array, starts: range, cut: _Cut, preprocessing: Preprocessing) -> Split:
    assert isinstance(preprocessing.targets, SeriesTargets)  # the task is forecasting
    first = np.array(starts)[:, None]
    windows = values[first + np.arange(cut.past)]
    ahead = values[first + cut.past + np.arange(cut.horizon), 0]
    return Split(preprocessing.apply(windows), preprocessing.targets.encode(ahead))


def _how(cut: _Cut, brief: Brief, known: Preprocessing | None) -> str:
    assumed = [
        what for what, said in (("past", brief.input), ("horizon", brief.output)) if said is None and known is None
    ]
    guessed = f"; the brief names no {' and no '.join(assumed)}" if assumed else ""
    return (
        f"task: forecasting of the next {cut.horizon} from the last {cut.past} steps; the latest are test, those "
        f"before validation{guessed}"
    )
