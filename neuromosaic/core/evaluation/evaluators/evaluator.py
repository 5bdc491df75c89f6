"""The evaluator that ships: architectures, a reference to data, a task, and a way to spend the computing."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from neuromosaic.core.brief import Brief, Task
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.comparison import Estimate
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.evaluators.auto import Auto
from neuromosaic.core.evaluation.evaluators.comparing import compare
from neuromosaic.core.evaluation.evaluators.precision import decided
from neuromosaic.core.evaluation.evaluators.prediction import PerformancePrediction
from neuromosaic.core.evaluation.evaluators.proxy_tasks import ProxyTasks
from neuromosaic.core.evaluation.evaluators.sharing import WeightSharing
from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Mode, Report, Trials
from neuromosaic.core.evaluation.evaluators.whole import EarlyStopping, FullTraining
from neuromosaic.core.evaluation.metrics import check_measurable, higher_is_better, measurable
from neuromosaic.core.evaluation.recipe import Recipe, WantedPrecision
from neuromosaic.core.evaluation.suitable import check_recipe, losses_for
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Judge
from neuromosaic.core.search.evaluator import BaseEvaluator
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest

MODES: Final[Mapping[str, Callable[[Trials, SearchSpace | None], Mode]]] = {
    "full_training": lambda trials, _: FullTraining(trials),
    "early_stopping": lambda trials, _: EarlyStopping(trials),
    "proxy_tasks": lambda trials, _: ProxyTasks(trials),
    "weight_sharing": WeightSharing,
    "performance_prediction": lambda trials, _: PerformancePrediction(trials),
    "auto": lambda trials, _: Auto(trials),
}


class TrainingEvaluator(BaseEvaluator):
    """Trains architectures and scores them on validation data.

    `data`: a reference as `--data` takes it (a file, a folder, a name such as "digits"), or a `Dataset`. `task` where
    the data leave it open. `mode`:

    - `full_training`: all epochs of the recipe;
    - `early_stopping`: until validation gets no better;
    - `proxy_tasks`: a smaller task, the best third of it again in full;
    - `weight_sharing`: one supernet of `space` for all;
    - `performance_prediction`: trains twelve, then what zero-cost proxies do not rule out;
    - `auto`: stops trainings by what early epochs told of earlier ones.

    `recipe`: how to train (its loss may be left to the task). `metric`: the primary one, else the task's default.
    `precision`: instead of the recipe's; "auto" measures once, as this is called, in which one a network of `space`
    trains fastest (`core.evaluation.precision`), and `why_precision` tells it.
    `judge`: workers to share; else one worker on `device` of its own, ended by `close`. Initial weights, order of
    examples and every choice come of `seed`. In the modes that learn, what an evaluation costs depends on those
    before it. It travels to other processes by its settings: what it learnt, and its workers, stay behind.

    >>> from neuromosaic.core.architecture.spec import ArchitectureSpec
    >>> from neuromosaic.core.evaluation.recipe import Recipe
    >>> network = ArchitectureSpec.chain((1, 8, 8), ("flatten", {}), ("linear", {"features": 10}))
    >>> evaluator = TrainingEvaluator("digits", mode="full_training", recipe=Recipe(epochs=5, learning_rate=0.01))
    >>> evaluator.evaluate(network)["accuracy"] > 0.8
    True
    >>> evaluator.close()

    Raises UsageError for a mode, task, metric or recipe that does not fit; DataError for the data.
    """

    def __init__(
        self, data: str | Dataset, task: Task | None = None, *, mode: str = "auto", recipe: Recipe | None = None,
        metric: str | None = None, space: SearchSpace | None = None, judge: Judge | None = None, device: str = "cpu",
        seed: int = 0, timeout: float = 3600.0, precision: WantedPrecision | None = None,
    ) -> None:  # fmt: skip
        if mode not in MODES:
            raise UsageError(f"{mode!r} is no mode{suggest(str(mode), MODES)}; there are {', '.join(MODES)}")
        self.data, self.task, self.mode, self.recipe = data, task, mode, recipe
        self.metric, self.space, self.device, self.seed, self.timeout = metric, space, device, seed, timeout
        self._here = _Here()
        self._here.judge = judge
        self._here.shared = judge is not None
        if precision is not None:
            self._settle(precision)
        self._way  # noqa: B018  what does not fit is told now

    @property
    def dataset(self) -> Dataset:
        return self._trials.dataset

    @property
    def primary(self) -> str:
        """The metric that ranks."""
        return self._trials.plan.primary

    @property
    def base_recipe(self) -> Recipe:
        """How architectures are trained that bring no recipe of their own."""
        return self._trials.recipe

    @property
    def why_precision(self) -> str:
        """Why it trains in its precision, a sentence, where that was measured; not told once it has travelled."""
        return self._here.why

    @property
    def objective(self) -> dict[str, str]:
        """The primary metric and the way in which it is better, as a search takes it."""
        return {self.primary: "max" if higher_is_better(self.primary) else "min"}

    def evaluate(
        self, architecture: Any, fidelity: float | None = None, report: Report | None = None,
        checkpoint: Path | None = None,
    ) -> Metrics:  # fmt: skip
        """Metrics on validation data by name, "loss" among them; "epochs" and "seconds" that it took; "parameters"
        and "flops" where the architecture tells them.

        `architecture`: an ArchitectureSpec, or anything whose `to_model()` gives a module for the data. `fidelity`:
        a share of the recipe's epochs in (0, 1], or a whole number (int) of epochs, more of which mean all; None
        means all. `report(epoch, value)` is told the primary metric after each epoch; a true answer ends the
        training. `checkpoint`: a folder of this training's own. At a fidelity below 1 it is then paused there, in one
        schedule of full length, and a later call at a higher fidelity goes on from it; the file goes when the
        training is over. Raises CandidateError where the architecture cannot be trained, UsageError where the folder
        holds another training.
        """
        return self._way.evaluate(architecture, Asked(self._share(fidelity), report, checkpoint))

    def compare(
        self, one: Any, other: Any, *, seeds: Sequence[int] = (0, 1, 2, 3, 4), level: float = 0.95,
        side_by_side: bool = True,
    ) -> Estimate:  # fmt: skip
        """How much better `one` is than `other`, both trained in full on each of `seeds`.

        In accuracy for a classification, else less loss (a regression's in squared units of the data), on the
        validation examples; paired by seed and example, by a test that takes both for random (`core.evaluation.
        comparison` says which). Networks that draw nothing are trained side by side, a seed each, in one worker,
        where their first steps say that this is half as fast again at least: to the same figures but for rounding,
        and with `side_by_side=False` to the last bit. Raises UsageError for seeds that stand there twice, and as
        `evaluate`.
        """
        return compare(self._trials, one, other, seeds, level, side_by_side)

    def worth(self) -> list[str]:
        """What each cheap signal was worth on the architectures so far, a sentence each."""
        return self._way.worth()

    def close(self) -> None:
        """Ends the worker, where it is the evaluator's own; another evaluation starts another."""
        if not self._here.shared and self._here.judge is not None:
            self._here.judge.close()
            self._here = _Here()

    def _settle(self, precision: WantedPrecision) -> None:
        """Once, here: wherever it travels it trains in what came out."""
        if precision not in get_args(WantedPrecision):
            raise UsageError(f"precision: there is no {precision!r}; use {', '.join(get_args(WantedPrecision))}")
        found = decided(self._trials, self.space, precision)
        self.recipe = self._trials.recipe.model_copy(update={"precision": found.precision})
        self._here.trials, self._here.why = None, found.reason

    def _share(self, fidelity: float | None) -> float:
        if fidelity is None:
            return 1.0
        if isinstance(fidelity, int) and fidelity >= 1:
            return min(1.0, fidelity / self._trials.recipe.epochs)
        if not 0 < fidelity <= 1:
            raise UsageError(f"fidelity: give a share of the epochs in (0, 1] or a number of them, not {fidelity!r}")
        return fidelity

    @property
    def _trials(self) -> Trials:
        if self._here.trials is None:
            dataset = _loaded(self.data, self.task)
            plan, recipe = _plan(dataset, self.metric), _recipe(dataset, self.recipe)
            self._here.judge = self._here.judge or _judge(self.device)
            self._here.trials = Trials(dataset, recipe, plan, self._here.judge, self.seed, self.timeout)
        return self._here.trials

    @property
    def _way(self) -> Mode:
        if self._here.way is None:
            self._here.way = MODES[self.mode](self._trials, self.space)
        return self._here.way


class _Here:
    """What an evaluator has in this process alone; it is empty where it was unpickled."""

    def __init__(self) -> None:
        self.judge: Judge | None = None
        self.shared = False
        self.trials: Trials | None = None
        self.way: Mode | None = None
        self.why = ""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return _Here, ()


def _loaded(data: str | Dataset, task: Task | None) -> Dataset:
    if task is not None and task not in get_args(Task):
        raise UsageError(f"task: {task!r} is none of {', '.join(get_args(Task))}{suggest(str(task), get_args(Task))}")
    if isinstance(data, Dataset):
        if task is not None and task != data.contract.task:
            raise UsageError(f"task: the data are for {data.contract.task}, not {task}: leave it out, or give others")
        return data
    from neuromosaic.core.evaluation.data.loading import load_dataset

    return load_dataset(Brief(data=data, task=task))


def _plan(dataset: Dataset, metric: str | None) -> MetricsPlan:
    known = measurable(dataset.contract)
    primary = metric or known[0]
    check_measurable(dataset.contract, (primary,))
    report = tuple(name for name in known if name != primary)
    return MetricsPlan(loss=losses_for(dataset.contract)[0], primary=primary, report=report)


def _recipe(dataset: Dataset, recipe: Recipe | None) -> Recipe:
    found = recipe or Recipe(loss=losses_for(dataset.contract)[0])
    check_recipe(found, dataset.contract)
    return found


def _judge(device: str) -> Judge:
    from neuromosaic.core.evaluation.hardware import places
    from neuromosaic.core.judge.process import ProcessJudge

    return ProcessJudge(len(places(device)), device)
