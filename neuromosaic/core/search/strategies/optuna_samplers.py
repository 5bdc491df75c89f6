"""Optuna's samplers as strategies: TPE, CMA-ES and NSGA-II.

What a sampler knows stands in an Optuna study, which is filled from what was told. Each suggestion has a sampler of
its own, seeded by (seed, trial number), so that a study that is filled again after a resume goes on alike.
"""

import math
import random
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.evolution import AtLeastOne, AtLeastTwo
from neuromosaic.core.search.strategies.memory import Key, Memory, Metrics, key_of
from neuromosaic.core.space.parameters import (
    FloatParameter,
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    Scalar,
    choices,
    is_active,
    parents_first,
    place,
)
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

TRIES = 10  # suggestions of the sampler, until one is inside the space and new
VIOLATION = "violation"


class OptunaStrategy:
    """Whatever `_sampler` makes, asked and told. Where it suggests only what is known, as in spaces of choices, a new
    point one step from that is taken. `fallbacks`: how often it had nothing inside the space, or all around was
    known, and an even draw was taken."""

    name: ClassVar[str]
    most_objectives: ClassVar[int] = 1000

    def __init__(self, seed: int, objectives: Objectives) -> None:
        self._optuna = imported(self.name)
        if len(objectives.aims) > self.most_objectives:
            raise SearchError(f"strategy {self.name}: it takes one objective; take nsga2 for several")
        self._seed, self._objectives = seed, objectives
        self._memory, self._followed = Memory(), 0
        self._study: Study | None = None
        self._asked: dict[Key, Trial] = {}
        self.fallbacks = 0

    def _sampler(self, seed: int) -> Any:
        raise NotImplementedError

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is experimental in Optuna
            self._follow(space)
            new, known = self._ask(space, trial_number)
        if new is not None:
            return new
        draw = random.Random(f"{self._seed}/{self.name}/{trial_number}")
        near = [] if known is None else self._memory.untried(space.neighbours(known))
        if near:
            return draw.choice(near)
        self.fallbacks += 1
        return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    # ------------------------------------------------------------ asking

    def _ask(self, space: SearchSpace, trial_number: int) -> tuple[Point | None, Point | None]:
        """What the sampler suggests that is new, and what it suggested that is known; None where nothing valid came
        in `TRIES`, after which it is not asked more: a space that is used up has nothing new."""
        study, known = self._opened(), None
        for attempt in range(TRIES):
            study.sampler = self._sampler((self._seed * 1_000_003 + trial_number * TRIES + attempt) % 2**32)
            trial = study.ask()
            point = asked(space, trial)
            inside = space.contains(point)
            if inside and not self._memory.knows(point):
                self._asked[key_of(point)] = trial
                return point, known
            known = point if inside else known
            study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return None, known

    def _opened(self) -> "Study":
        if self._study is None:
            logging = self._optuna.logging
            verbosity = logging.get_verbosity()
            logging.set_verbosity(logging.WARNING)
            self._study = self._optuna.create_study(directions=["minimize"] * max(1, len(self._objectives.aims)))
            logging.set_verbosity(verbosity)
        return self._study

    # ------------------------------------------------------------ telling

    def _follow(self, space: SearchSpace) -> None:
        """Tells the study what came since the last suggestion. A trial told without having been asked for, after a
        resume, is asked for again first, at its own place, so that the sampler's notes on it are there."""
        told = self._memory
        earlier: Memory | None = None
        for number in range(self._followed, len(told)):
            point, metrics = told.points[number], told.metrics[number]
            if key_of(point) not in self._asked:
                self._memory = earlier = earlier or told.before(number)
                self._ask(space, number)
            self._tell(space, point, metrics)
            if earlier is not None:
                earlier.tell(point, metrics)
        self._followed, self._memory = len(told), told

    def _tell(self, space: SearchSpace, point: Point, metrics: Metrics) -> None:
        study, state = self._opened(), self._optuna.trial.TrialState
        trial = self._asked.pop(key_of(point), None)
        if not self._memory.pending and trial is None:
            self._drop()
        losses = self._objectives.losses([metrics])[0].tolist()
        violation = self._objectives.violation(metrics)
        if not all(map(math.isfinite, [*losses, violation])):
            if trial is not None:
                study.tell(trial, state=state.FAIL)
        elif trial is not None:
            trial.set_user_attr(VIOLATION, violation)
            study.tell(trial, losses)
        else:
            study.add_trial(self._as_trial(space, point, losses, violation))

    def _drop(self) -> None:
        """Gives up what was asked for and never came."""
        for trial in self._asked.values():
            self._opened().tell(trial, state=self._optuna.trial.TrialState.FAIL)
        self._asked.clear()

    def _as_trial(self, space: SearchSpace, point: Point, losses: list[float], violation: float) -> "FrozenTrial":
        distributions = {name: distribution(space.parameters[name]) for name in point}
        values = {name: written(space.parameters[name], value) for name, value in point.items()}
        found: FrozenTrial = self._optuna.trial.create_trial(
            params=values, distributions=distributions, values=losses, user_attrs={VIOLATION: violation}
        )
        return found


class TPE(OptunaStrategy):
    """Tree-structured Parzen estimator (Bergstra et al., 2011; multivariate: Falkner et al., 2018), by Optuna.

    `n_initial_random`: even draws at the start; `multivariate`: whether parameters are modelled together.
    """

    name = "tpe"

    def __init__(
        self, seed: int, objectives: Objectives, *, n_initial_random: AtLeastOne = 10, multivariate: bool = False
    ) -> None:
        super().__init__(seed, objectives)
        self._initial, self._multivariate = n_initial_random, multivariate

    def _sampler(self, seed: int) -> Any:
        return self._optuna.samplers.TPESampler(
            n_startup_trials=self._initial,
            multivariate=self._multivariate,
            group=self._multivariate,
            constant_liar=bool(self._memory.pending),
            constraints_func=_violation if self._objectives.limits else None,
            seed=seed,
        )


class CMAES(OptunaStrategy):
    """Covariance matrix adaptation (Hansen, 2016, arXiv:1604.00772), by Optuna, over numbers and ordinals; choices
    and conditional parameters are drawn evenly. One objective.

    `n_initial_random`: even draws at the start; `population_size`: by the number of parameters, if not given.
    """

    name, most_objectives = "cmaes", 1

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        n_initial_random: AtLeastOne = 1,
        population_size: AtLeastTwo | None = None,
    ) -> None:
        super().__init__(seed, objectives)
        self._initial, self._population = n_initial_random, population_size

    def _sampler(self, seed: int) -> Any:
        return self._optuna.samplers.CmaEsSampler(
            n_startup_trials=self._initial, popsize=self._population, warn_independent_sampling=False, seed=seed
        )


class NSGA2(OptunaStrategy):
    """Non-dominated sorting genetic algorithm II (Deb et al., 2002), by Optuna; for one objective or several.

    `population_size`: trials of a generation; `crossover_rate`: how often a child has two parents.
    """

    name = "nsga2"

    def __init__(
        self, seed: int, objectives: Objectives, *, population_size: AtLeastTwo = 50, crossover_rate: float = 0.9
    ) -> None:
        super().__init__(seed, objectives)
        self._population, self._crossover = population_size, crossover_rate

    def _sampler(self, seed: int) -> Any:
        return self._optuna.samplers.NSGAIISampler(
            population_size=self._population,
            crossover_prob=self._crossover,
            constraints_func=_violation if self._objectives.limits else None,
            seed=seed,
        )


def imported(strategy: str) -> Any:
    """Optuna. Raises SearchError naming the extra where it is missing."""
    try:
        import optuna

        if strategy == "cmaes":
            import cmaes  # noqa: F401 - which Optuna loads in the middle of a search
    except ImportError:
        raise SearchError(
            f"strategy {strategy}: Optuna is not installed; pip install 'neuromosaic[optuna]'"
        ) from None
    return optuna


def _violation(trial: "FrozenTrial") -> Sequence[float]:
    return (trial.user_attrs.get(VIOLATION, 0.0),)


# ---------------------------------------------------------------- our parameters in Optuna's words


def asked(space: SearchSpace, trial: "Trial") -> Point:
    """A point of the trial's making: conditions are met, constraints may not be."""
    point: Point = {}
    for name in parents_first(dict(space.parameters)):
        if is_active(space.parameters[name], point):
            parameter = space.parameters[name]
            point[name] = read(parameter, trial._suggest(name, distribution(parameter)))
    return {name: point[name] for name in space.parameters if name in point}


def distribution(parameter: Parameter) -> Any:
    """Choices by number, as Optuna does not tell 1 from True; so are ordinals, and whole numbers in steps."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, FloatParameter):
        return FloatDistribution(parameter.min, parameter.max, log=parameter.log)
    if isinstance(parameter, IntParameter) and parameter.log:
        return IntDistribution(parameter.min, parameter.max, log=True)
    count = len(choices(parameter))
    if isinstance(parameter, IntParameter | OrdinalParameter):
        return IntDistribution(0, count - 1)
    return CategoricalDistribution(list(range(count)))


def read(parameter: Parameter, value: Any) -> Scalar:
    """The value that a number of Optuna's means."""
    if isinstance(parameter, FloatParameter):
        return parameter.rounded(float(value))
    if isinstance(parameter, IntParameter) and parameter.log:
        return int(parameter.min + parameter.step * ((value - parameter.min) // parameter.step))
    found: Scalar = choices(parameter)[value]
    return found


def written(parameter: Parameter, value: Scalar) -> int | float:
    """The inverse of `read`."""
    if isinstance(parameter, FloatParameter) or (isinstance(parameter, IntParameter) and parameter.log):
        return value  # type: ignore[return-value]
    return place(parameter, value)
