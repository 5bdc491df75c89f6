"""What to take where nothing speaks for another strategy."""

from typing import ClassVar

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.bayesian import BayesianSearch
from neuromosaic.core.search.strategies.evolution import AtLeastOne


class AutoSearch(BayesianSearch):
    """Bayesian search that also learns which values of choices are alike, once for all parameters that share them.

    So what one edge of a cell, or one layer, teaches about two operations counts at every other (see `kernel`).
    Expected improvement; everything else as `bayesian`, `n_initial_random` among it.
    """

    name: ClassVar[str] = "auto"
    similar: ClassVar[bool] = True

    def __init__(self, seed: int, objectives: Objectives, *, n_initial_random: AtLeastOne | None = None) -> None:
        super().__init__(seed, objectives, n_initial_random=n_initial_random)
