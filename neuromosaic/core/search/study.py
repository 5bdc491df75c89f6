"""The engine: one search, from the first suggestion to the ranking, that no kill can set back."""

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from neuromosaic.core.errors import ExecutorError, NotFoundError, SearchError, SearchExhausted
from neuromosaic.core.execution.catalogue import Placed, Settings, make_executor
from neuromosaic.core.execution.failure import Failure
from neuromosaic.core.protocols import BaseExecutor, EarlyStopping
from neuromosaic.core.search.choosing import Choosing
from neuromosaic.core.search.dispatch import Dispatch, Rules
from neuromosaic.core.search.exporting import export_folder, export_trials
from neuromosaic.core.search.forecast import forbidden
from neuromosaic.core.search.ledger import SearchEvent, ledger_at, new_owner
from neuromosaic.core.search.lending import Lent
from neuromosaic.core.search.named import evaluator_meant
from neuromosaic.core.search.placing import folder_of, placed_for, returned
from neuromosaic.core.search.presence import alive, alone
from neuromosaic.core.search.reporting import Reports
from neuromosaic.core.search.setup import check_budget, check_unchanged
from neuromosaic.core.search.standing import pareto_trials, ranked, summed_up
from neuromosaic.core.search.trials import Trial, Trials
from neuromosaic.core.search.wanted import Wanted
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest

Callback = Callable[["ArchitectureSearch", Trial], None]


class ArchitectureSearch:
    """Searches a space for the architectures that an evaluator scores best.

    What is searched: `architecture_type` (the name of a registered type, which brings space and evaluator) or
    `space`. `evaluator`: a BaseEvaluator, a class of one, or a function `config -> float | dict`, which may also take
    `fidelity`, `report` and `checkpoint` (see BaseEvaluator); or "training", or one of TrainingEvaluator's modes by
    name, for a space of networks: then `data` says what they are trained on, `task` where that leaves it open, and
    `evaluator_options` its further arguments (`recipe`, `metric`, `device`) and `search_recipe`: True searches the
    recipe as well, in one space (`recipe_learning_rate` ... in each point).
    `strategy` and `pruner`: a name, or an object of your own; `start`: points that are tried before it is asked.
    `executor`: likewise; one that cannot be had is visibly replaced, unless `strict`. `objectives` and `constraints`:
    see Objectives. It ends after `max_trials` trials, or begins none after `max_time` seconds. `store`: a folder that
    keeps every step, from which `resume` goes on, and figures that later searches need not compute again (without
    `cache` each trial is computed); None: this process's memory. `trial_timeout`: seconds that a trial may take;
    `max_retries`: how often one is tried again whose process or machine failed. `callbacks` are called with the
    search and each trial that got a result. `output_dir`: a folder for trials.csv, trials.json and summary.json,
    written when `run` or `resume` ends. Further `options` are the strategy's or the pruner's.

    >>> space = SearchSpace({"x": {"type": "int", "min": -5, "max": 5}})
    >>> search = ArchitectureSearch(space=space, evaluator=lambda p: -p["x"] ** 2, strategy="grid", resolution=11)
    >>> trials = search.run()
    >>> len(trials), search.best.point
    (11, {'x': 0})

    Raises SearchError for what does not fit together, NotFoundError for an unknown type.
    """

    def __init__(
        self,
        architecture_type: str | None = None,
        *,
        space: SearchSpace | None = None,
        evaluator: Any = None,
        data: Any = None,
        task: str | None = None,
        evaluator_options: Mapping[str, Any] | None = None,
        strategy: Any = "auto",
        pruner: str | EarlyStopping | None = None,
        executor: str | BaseExecutor = "sequential",
        objectives: Any = None,
        constraints: Mapping[str, str] | Sequence[str] = (),
        max_trials: int | None = 100,
        max_time: float | None = None,
        seed: int = 0,
        store: Path | str | None = None,
        name: str = "search",
        max_workers: int = 2,
        trial_timeout: float | None = None,
        max_retries: int | None = None,
        cache: bool | None = None,
        strict: bool = False,
        address: str | None = None,
        output_dir: Path | str | None = None,
        callbacks: Sequence[Callback] = (),
        start: Sequence[Point] = (),
        **options: Any,
    ) -> None:
        check_budget(max_trials, max_time, trial_timeout)
        evaluator, space = evaluator_meant(evaluator, data, task, space, seed, evaluator_options)
        self._wanted = Wanted(
            architecture_type, space, evaluator, strategy, pruner, objectives, constraints, seed, options,
            max_retries, cache, start,
        )  # fmt: skip
        self.space, self.objectives = self._wanted.searched, self._wanted.aims
        self.name, self.max_trials, self.max_time = name, max_trials, max_time
        self._executor, self._strict = executor, strict
        self._settings = Settings(max_workers, trial_timeout, address)
        self._callbacks = tuple(callbacks)
        self._output = Path(output_dir) if output_dir is not None else None
        self._ledger = ledger_at(Path(store) if store is not None else None)
        self._lock = threading.RLock()
        self._begun_at, self._stopping = time.monotonic(), False
        self._search: int | None = None
        self._lent = Lent()

    # ------------------------------------------------------------ running

    def run(self) -> list[Trial]:
        """Runs the search to its end and returns its trials, by number.

        In a store that holds searches already, a new one begins: what they evaluated it need not.
        """
        if self._search is None:
            self._begin()
        return self._work()

    def resume(self) -> list[Trial]:
        """Goes on with the latest search of this name in the store, and returns all its trials, by number.

        Without an evaluator it is only taken up: `ask` gives out first what was under way. Raises NotFoundError where
        there is none, SearchError where it was set up otherwise, or where another process is at work on it.
        """
        self._load()
        with alone(self._ledger.root, self._search, self.name):
            if self._wanted.has_evaluator:
                return self._work(is_held=True)
            self._read()
        return self.trials

    def stop(self) -> None:
        """Begins no further trial: those under way are finished."""
        self._stopping = True

    def ask(self, lease: float | None = None) -> Trial:
        """The next trial for someone else to evaluate, who then calls `tell`.

        Where nothing was told `lease` seconds later, the trial is given out again. Raises SearchExhausted when there
        is nothing to do (now).
        """
        if self._search is None:
            self._begin()
        for late in self._lent.late():
            self._dispatch.give_up(late, Failure("infrastructure", "nothing was told of it in time"))
        assignment = next(self._dispatch, None)
        if assignment is None:
            raise SearchExhausted("every trial has been given out")
        self._lent.give(assignment, lease)
        return self.trials[assignment.trial]

    def tell(self, trial: Trial | int, outcome: Mapping[str, float] | float | Failure | BaseException) -> None:
        """What became of a trial that `ask` gave out. Raises SearchError for one that is not under way."""
        number = trial.number if isinstance(trial, Trial) else trial
        self._dispatch.settle(self._lent.take_back(number), self._wanted.outcome(outcome))

    # ------------------------------------------------------------ results

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return self._trials.every

    @property
    def results(self) -> list[Trial]:
        """All trials, the best first: complete ones, then pruned and paused ones, failed ones last."""
        return ranked(self.trials, self.objectives)

    @property
    def best(self) -> Trial:
        """The first of `results` that is complete and within the limits. Raises NotFoundError where there is none."""
        first = next(iter(self.results), None)
        if first is None or first.state != "complete" or self.objectives.violation(first.metrics) > 0:
            raise NotFoundError("no trial is complete and within the constraints")
        return first

    def pareto(self) -> list[Trial]:
        """The complete trials that no other dominates, within the limits."""
        return pareto_trials(self.trials, self.objectives)

    def architecture(self, trial: Trial) -> Any:
        """The architecture that a trial's point means."""
        return self._wanted.build(dict(trial.point))

    def export(self, path: Path | str) -> None:
        """Writes the trials to a .csv, .json or .db file (see `export_trials`)."""
        export_trials(Path(path), self.trials, self.space, self.objectives)

    def summary(self) -> dict[str, Any]:
        """What was done and found, as JSON data."""
        setup = {"name": self.name, **self._wanted.document(), "scored_by": self._wanted.scored_by}
        return {**setup, **summed_up(self._trials, self.pareto())}

    # ------------------------------------------------------------ beginning and going on

    @cached_property
    def _trials(self) -> Trials:
        pruner = self._wanted.make_pruner()
        return Trials(self._wanted.make_strategy(), pruner, climbs="fidelity" in self._wanted.keywords)

    @cached_property
    def _dispatch(self) -> Dispatch:
        return Dispatch(
            search=self._search or 0, owner=new_owner(), ledger=self._ledger, trials=self._trials,
            choosing=self._choosing(), rules=self._rules(), ended=self._ended,
            report=lambda trial: self._reports.line(trial), lock=self._lock,
        )  # fmt: skip

    def _choosing(self) -> Choosing:
        limits = self.max_trials, self._is_over, self._note
        return Choosing(self.space, self._trials, self._trials.strategy, self._wanted.start, *limits)

    def _rules(self) -> Rules:
        wanted = self._wanted
        folder = self._folder / str(self._search) if "checkpoint" in wanted.keywords else None
        return Rules(
            wanted.searched, wanted.aims, wanted.identity, wanted.canonical, wanted.retries,
            "report" in wanted.keywords, partial(forbidden, wanted.aims, wanted.build), folder,
        )  # fmt: skip

    @cached_property
    def _folder(self) -> Path:
        """Where checkpoints are kept."""
        return self._ledger.root / "checkpoints" if self._ledger.root is not None else folder_of(self)

    def _begin(self) -> None:
        _ = self._trials  # names and options are checked before anything is written
        self._search = self._ledger.begin(self.name, self._wanted.document())
        if self._ledger.root is None:
            weakref.finalize(self, self._ledger.forget, self._search)

    def _load(self) -> None:
        if self._search is not None:
            return
        found = self._ledger.latest(self.name) if self._ledger.root is not None else None
        if found is None:
            known = suggest(self.name, self._ledger.names())
            where = self._ledger.root or "memory"
            raise NotFoundError(f"no search {self.name!r} in {where}{known}: .run() begins one")
        self._search, before = found
        check_unchanged(before, self._wanted.document())

    def _read(self) -> None:
        """All that is stored, once; what was under way is to be done again."""
        if not self.trials:
            self._trials.replay(self._ledger.events(self._search or 0))
            self._dispatch.recover()

    # ------------------------------------------------------------ the loop

    def _work(self, is_held: bool = False) -> list[Trial]:
        if not self._wanted.has_evaluator:
            raise SearchError("evaluator: .run() needs one; without it use .ask() and .tell()")
        self._begun_at, self._stopping = time.monotonic(), False
        with (
            nullcontext() if is_held else alone(self._ledger.root, self._search, self.name),
            alive(self._ledger, self._dispatch.owner),
        ):
            self._read()
            placed = self._placed()
            try:
                self._stream(placed.executor)
            except ExecutorError as error:
                if self._strict:
                    raise
                self._note({"executor": "sequential", "because": str(error)})
                self._dispatch.recover()
                self._stream(make_executor("sequential").executor)
        if self._output is not None:
            export_folder(self._output, self.trials, self.space, self.objectives, self.summary())
        return self.trials

    @cached_property
    def _reports(self) -> Reports:
        return Reports(self._dispatch, self._settings.address is not None)

    def _stream(self, executor: BaseExecutor) -> None:
        with self._reports.reaching(executor if "report" in self._wanted.keywords else None):
            try:
                for assignment, told in returned(executor, self._wanted.evaluation(), self._dispatch):
                    self._dispatch.settle(assignment, self._wanted.outcome(told))
            finally:
                if executor is not self._executor:
                    executor.shutdown()

    def _placed(self) -> Placed:
        placed = placed_for(self._wanted, self._executor, self._settings, self._strict)
        if placed.because:
            used = getattr(placed.executor, "name", "")
            self._note({"executor": used, "asked": self._executor, "because": placed.because})
        return placed

    def _is_over(self) -> bool:
        late = self.max_time is not None and time.monotonic() - self._begun_at >= self.max_time
        if late and not self._stopping:
            self._note({"stopped": f"after {self.max_time:g} s", "trials": len(self.trials)})
        self._stopping = self._stopping or late
        return self._stopping

    def _ended(self, trial: Trial) -> None:
        for callback in self._callbacks:
            callback(self, trial)

    def _note(self, data: dict[str, Any]) -> None:
        self._ledger.append(self._search or 0, None, "note", data)
        self._trials.apply(SearchEvent(None, "note", data))
