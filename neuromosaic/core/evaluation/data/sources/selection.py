"""What of a source is wanted, and what is already known of it."""

from dataclasses import dataclass

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.inputs import TabularInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.targets import SeriesTargets


@dataclass(frozen=True)
class Selection:
    """`target`, `group` and `time` name columns or arrays. `known`: a network's preprocessing, which data must fit.

    `shape`: of one input, as the brief or a network's training has it, or empty. `labelled` False: labels are
    welcome, but not needed. `is_series`: to be forecast, from its own past if nothing else.
    """

    target: str | None = None
    group: str | None = None
    time: str | None = None
    known: Preprocessing | None = None
    shape: tuple[int, ...] = ()
    labelled: bool = True
    is_series: bool = False

    @classmethod
    def of(cls, brief: Brief, known: Preprocessing | None) -> "Selection":
        """Raises DataError where both groups and times are asked for."""
        if brief.group and brief.time:
            raise DataError("--group and --time cannot both decide the splits: choose one")
        said = known.contract.input if known else brief.input
        return cls(
            brief.target, brief.group, brief.time or _time(known), known, said.shape if said else (),
            labelled=(known.task if known else brief.task) != "generation",
            is_series=(known.task if known else brief.task) == "forecasting",
        )  # fmt: skip

    @classmethod
    def for_network(cls, known: Preprocessing) -> "Selection":
        """New data for a delivered network, with labels or without."""
        return cls(
            time=_time(known), known=known, shape=known.contract.input.shape, labelled=False,
            is_series=known.task == "forecasting",
        )  # fmt: skip

    def refuse_columns(self, name: str) -> tuple[str, ...]:
        """For sources without columns: the note that `target` is not used.

        Raises DataError where groups or times were asked for.
        """
        if self.group or self.time:
            raise DataError(
                f"{name} has no column {(self.group or self.time)!r}: --group and --time work with tables, "
                "and with arrays of that name beside x and y"
            )
        return (
            (f"the target {self.target!r} was not needed: {name} says itself what to predict",) if self.target else ()
        )

    @property
    def series_features(self) -> tuple[str, ...] | None:
        """The columns beside the series that a forecasting network reads; None for any other network."""
        targets = self.known.targets if self.known else None
        return targets.others if isinstance(targets, SeriesTargets) else None

    @property
    def table(self) -> TabularInputs | None:
        """The columns of the network that the data are for, where it reads a table."""
        inputs = self.known.inputs if self.known else None
        return inputs if isinstance(inputs, TabularInputs) else None

    @property
    def known_targets(self) -> tuple[str, ...]:
        """What the network's targets were called in its training data, where they had names."""
        targets = self.known.targets if self.known else None
        return targets.columns if targets else ()


def _time(known: Preprocessing | None) -> str | None:
    """The column that ordered the series of a network's training."""
    targets = known.targets if known else None
    return targets.time if isinstance(targets, SeriesTargets) else None
