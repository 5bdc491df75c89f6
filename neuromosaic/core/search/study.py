"""The engine: one search, from the first suggestion to the ranking, that no kill can set back."""

import shutil
import tempfile
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
from neuromosaic.core.execution.reports import EVERYWHERE, ReportServer
from neuromosaic.core.protocols import BaseExecutor, EarlyStopping
from neuromosaic.core.search.dispatch import Dispatch, Rules
from neuromosaic.core.search.evaluator import Assignment, Report
from neuromosaic.core.search.forecast import forbidden
from neuromosaic.core.search.ledger import SearchEvent, ledger_at, new_owner
from neuromosaic.core.search.named import named_evaluator
from neuromosaic.core.search.presence import alive, alone
from neuromosaic.core.search.setup import check_unchanged
from neuromosaic.core.search.standing import counted, pareto_trials, ranked
from neuromosaic.core.search.trials import Trial, Trials
from neuromosaic.core.search.wanted import Wanted
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
    `strategy` and `pruner`: a name, or an object of your own. `executor`: a name, or an object of your own; one that
    cannot be had is replaced, visibly, unless `strict`. `objectives` and `constraints`: see Objectives. It ends after
    `max_trials` trials, or begins none after `max_time` seconds. `store`: a folder that keeps every step, from which
    `resume` goes on, and figures that later searches need not compute again (without `cache` each trial is computed);
    None: this process's memory. `trial_timeout`: seconds that a trial may take; `max_retries`: how often one is tried
    again whose process or machine failed. `callbacks` are called with the search and each trial that got a result.
    Further `options` are the strategy's or the pruner's.

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
        callbacks: Sequence[Callback] = (),
        **options: Any,
    ) -> None:
        if max_trials is None and max_time is None:
            raise SearchError("give max_trials or max_time: a search without either never ends")
        for what, given in {"max_trials": max_trials, "max_time": max_time, "trial_timeout": trial_timeout}.items():
            if given is not None and not given > 0:
                raise SearchError(f"{what}: must be above 0, not {given!r}")
        if isinstance(evaluator, str):
            evaluator, space = named_evaluator(evaluator, data, task, space, seed, evaluator_options)
        elif any(given is not None for given in (data, task, evaluator_options)):
            raise SearchError(
                "data, task and evaluator_options go with evaluator='training', or one of its modes by name"
            )
        self._wanted = Wanted(
            architecture_type, space, evaluator, strategy, pruner, objectives, constraints, seed, options,
            max_retries, cache,
        )  # fmt: skip
        self.space, self.objectives = self._wanted.searched, self._wanted.aims
        self.name, self.max_trials, self.max_time = name, max_trials, max_time
        self._executor, self._strict = executor, strict
        self._settings = Settings(max_workers, trial_timeout, address)
        self._callbacks = tuple(callbacks)
        self._ledger = ledger_at(Path(store) if store is not None else None)
        self._lock = threading.RLock()
        self._begun_at, self._stopping = time.monotonic(), False
        self._search: int | None = None
        self._asked: dict[int, tuple[Assignment, float]] = {}
        self._line: Callable[[int], Report] = self._direct

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

        Raises NotFoundError where there is none, SearchError where it was set up otherwise, or where another
        process is at work on it.
        """
        self._load()
        with alone(self._ledger.root, self._search, self.name):
            return self._work(is_held=True)

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
        self._requeue_late()
        assignment = next(self._dispatch, None)
        if assignment is None:
            raise SearchExhausted("every trial has been given out")
        self._asked[assignment.trial] = (assignment, time.monotonic() + (lease or float("inf")))
        return self.trials[assignment.trial]

    def tell(self, trial: Trial | int, outcome: Mapping[str, float] | float | Failure | BaseException) -> None:
        """What became of a trial that `ask` gave out. Raises SearchError for one that is not under way."""
        number = trial.number if isinstance(trial, Trial) else trial
        if number not in self._asked:
            raise SearchError(f"trial {number} is not under way: it was told already, or never asked for")
        assignment, _ = self._asked.pop(number)
        self._dispatch.settle(assignment, self._wanted.outcome(outcome))

    def _requeue_late(self) -> None:
        for number, (assignment, until) in list(self._asked.items()):
            if time.monotonic() > until:
                del self._asked[number]
                self._dispatch.give_up(assignment, Failure("infrastructure", "nothing was told of it in time"))

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

    def summary(self) -> dict[str, Any]:
        """What was done and found, as JSON data."""
        fallbacks = getattr(self._trials.strategy, "fallbacks", 0)
        front = self.pareto()
        return {
            "name": self.name, **self._wanted.document(), "scored_by": self._wanted.scored_by, **counted(self.trials),
            **({"fallbacks": fallbacks} if fallbacks else {}),
            "best": [{"number": one.number, "point": one.point, "metrics": one.metrics} for one in front],
            "notes": self._trials.notes,
        }  # fmt: skip

    # ------------------------------------------------------------ beginning and going on

    @cached_property
    def _trials(self) -> Trials:
        pruner = self._wanted.make_pruner()
        return Trials(self._wanted.make_strategy(), pruner, climbs="fidelity" in self._wanted.keywords)

    @cached_property
    def _dispatch(self) -> Dispatch:
        return Dispatch(
            search=self._search or 0, owner=new_owner(), ledger=self._ledger, trials=self._trials,
            strategy=self._trials.strategy, rules=self._rules(), max_trials=self.max_trials, over=self._is_over,
            ended=self._ended, report=lambda trial: self._line(trial), lock=self._lock,
        )  # fmt: skip

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
        if self._ledger.root is not None:
            return self._ledger.root / "checkpoints"
        folder = tempfile.mkdtemp(prefix="neuromosaic-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

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
            raise NotFoundError(
                f"no search {self.name!r} in {self._ledger.root or 'memory'}{known}: .run() begins one"
            )
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
        return self.trials

    def _stream(self, executor: BaseExecutor) -> None:
        here = getattr(executor, "name", "") in ("sequential", "threads")
        server = None if here or "report" not in self._wanted.keywords else ReportServer(self._reported, self._host)
        self._line = server.line if server else self._direct
        try:
            for assignment, outcome in executor.execute_trials(self._wanted.evaluation(), self._dispatch):
                self._dispatch.settle(assignment, outcome)
        finally:
            if executor is not self._executor:
                executor.shutdown()
            if server:
                server.close()

    def _placed(self) -> Placed:
        if not isinstance(self._executor, str):
            return Placed(self._executor, "")
        if self._executor != "sequential" and not self._wanted.travels:
            placed = Placed(make_executor("sequential").executor, "parallel_evaluation is off for this type")
        else:
            placed = make_executor(self._executor, self._settings, self._strict)
        if placed.because:
            used = getattr(placed.executor, "name", "")
            self._note({"executor": used, "asked": self._executor, "because": placed.because})
        return placed

    @property
    def _host(self) -> str:
        return EVERYWHERE if self._settings.address else "127.0.0.1"

    def _direct(self, trial: int) -> Report:
        return lambda step, metrics: self._reported(trial, step, metrics)

    def _reported(self, number: int, step: int, metrics: Mapping[str, float]) -> bool:
        """A trial's report, from whatever thread: whether it is to stop."""
        with self._lock:
            trial = self.trials[number]
            if trial.state != "running" or trial.stopped:
                return True
            stop = self._trials.asks_to_stop(number, step, metrics)
            self._dispatch.write(number, "report", {"step": step, "metrics": dict(metrics), "stop": stop})
            return stop

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
