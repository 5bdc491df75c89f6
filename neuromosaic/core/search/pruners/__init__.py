"""When a trial is not worth its next epoch."""

import statistics
from collections.abc import Mapping, Sequence


class MedianRule:
    """Stops a trial whose best loss so far is above the median of earlier trials at the same step.

    (Golovin et al., 2017, Google Vizier, section 3.2.2.) Judges only after `grace` of a trial's steps, counted
    from 1, and once `least` earlier trials have come that far.
    """

    def __init__(self, grace: int = 3, least: int = 4) -> None:
        self._grace, self._least = grace, least

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        if step < self._grace:
            return False
        rivals = [min(entry["loss"] for entry in curve[:step]) for curve in history.values() if len(curve) >= step]
        return len(rivals) >= self._least and metrics["loss"] > statistics.median(rivals)
