"""The contest as one process plays it: the design's search beside its random baseline, round after round."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from neuromosaic.agents.llm_search import LLMSearch
from neuromosaic.core.errors import NotFoundError
from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.search.contest import TRIES_PER_TRIAL, Contest, Contestant
from neuromosaic.core.search.families import Choice, Families
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy, options_of
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.space.parameters import Point
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, Family, admit, family_of
from neuromosaic.workflows.trials import TrialRecord, train_all

SEARCH_SHARE = 0.5
"""Of a time budget: until then trials are begun; the rest is for training the finalists in full, and certifying."""
SEARCH, BASELINE = "search", "random_search"
CONTESTANTS = (SEARCH, BASELINE)
WARM_UP = 4
"""Draws of the baseline that the search begins with, after the families' own points: they are paid for once."""

Trials = list[tuple[Candidate, TrialRecord]]


def play(bench: Workbench, turn: int, accepted: Sequence[str]) -> dict[str, Trials]:
    """The contest between the search and random draws, on equal numbers of trials, up to round `turn`."""
    field = bench.share("field", lambda: Field(bench))
    while field.turn < turn:
        field.turn += 1
        joined = bench.once(f"joined/{field.turn}", lambda: sorted(accepted))
        field.play({name: family_of(bench, name) for name in joined})
    return {name: field.trials_of(name) for name in CONTESTANTS}


class Field:
    """Families at hand, the record of every trial, rounds played (`turn`).

    Each round is two searches of the engine, in the run's store, over the families that there are by then. They
    begin with the points of the round before, whose figures are known: so new families join what was learnt.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.turn = -1
        self._families: dict[str, Family] = {}
        self._known: dict[str, Candidate] = {}
        self._records: dict[str, TrialRecord] = {}
        self._contestants: dict[str, Contestant[Candidate]] = {}

    def play(self, families: Mapping[str, Family]) -> None:
        """One round: its share of all trials, or of the time. Only families that joined now are new in it."""
        new = [family for name, family in families.items() if name not in self._families]
        self._families.update(families)
        space = Families({name: family.proposal.searched for name, family in self._families.items()})
        start = self._start(space, new)
        self._contestants = {name: self._entered(name, space, start[name]) for name in CONTESTANTS}
        self._remember()
        plan = self._bench.envelope
        contest = Contest([*self._contestants.values()], self._evaluate, self._over, plan.workers)
        contest.run(-(-plan.trials * (self.turn + 1) // plan.rounds))

    def trials_of(self, name: str) -> Trials:
        return [(candidate, self._records[candidate.id]) for candidate, _ in self._contestants[name].trials]

    # ------------------------------------------------------------ a round's two searches

    def _start(self, space: Families, new: Sequence[Family]) -> dict[str, list[Point]]:
        """The round before, and for the search each new family's own point; at first some of the baseline's draws."""
        earlier = {
            name: [trial.point for trial in one.search.trials if trial.has_ended]
            for name, one in self._contestants.items()
        }
        own = [space.point(Choice(family.id, family.default)) for family in new]
        own = [point for point in own if space.contains(point)]
        drawn = earlier.get(SEARCH) or drawn_evenly(space, self._bench.brief.seed)
        return {SEARCH: [*drawn, *own] if earlier else [*own, *drawn], BASELINE: earlier.get(BASELINE, [])}

    def _entered(self, name: str, space: Families, start: Sequence[Point]) -> Contestant[Candidate]:
        bench, trials = self._bench, self._bench.envelope.trials
        strategy, options = self._strategy() if name == SEARCH else ("random", {})
        search = ArchitectureSearch(
            space=space, strategy=strategy, objectives=aim(bench), seed=bench.brief.seed, start=start,
            max_trials=TRIES_PER_TRIAL * trials, max_retries=TRIES_PER_TRIAL, store=bench.store.root,
            name=f"{bench.run}/{name}/{self.turn}", **options,
        )  # fmt: skip
        with suppress(NotFoundError):
            search.resume()
        return Contestant(name, search, lambda point: self._admit(space.choice(point)))

    def _strategy(self) -> tuple[Any, dict[str, Any]]:
        """The design's strategy with its options; "llm" is the NetworkArchitect of this run."""
        bench = self._bench
        if bench.options.strategy != "llm":
            return bench.options.strategy, suited(bench.options.strategy, bench.envelope.trials)
        client = bench.client("NetworkArchitect")
        return LLMSearch(bench.brief.seed, aim(bench), client=client, n_initial_random=WARM_UP), {}

    def _remember(self) -> None:
        """The records of trials that an earlier process, or an earlier round, has done."""
        for name, contestant in self._contestants.items():
            self._train([(name, candidate) for candidate, _ in contestant.trials])

    def _admit(self, choice: Choice) -> Candidate | None:
        candidate = admit(self._bench, self._families, choice)
        return self._known.setdefault(candidate.id, candidate) if candidate else None

    # ------------------------------------------------------------ a batch

    def _evaluate(self, batch: Sequence[tuple[str, Candidate]]) -> list[Mapping[str, float] | None]:
        pairs = zip(batch, self._train(batch), strict=True)
        return [None if self._is_cut_short(record) else self._told(one, record) for (_, one), record in pairs]

    def _is_cut_short(self, record: TrialRecord) -> bool:
        """By a stop: such a training is not in the store, and is done again if the run goes on."""
        bench = self._bench
        return bench.stopping and bench.store.trial(record["key"]) is None

    def _told(self, candidate: Candidate, record: TrialRecord) -> Mapping[str, float]:
        """What the search learns from; nothing where the training came to nothing."""
        primary = self._bench.plan.primary
        value = record["metrics"].get(primary, math.nan)
        return {primary: value, "parameters": candidate.parameters} if math.isfinite(value) else {}

    def _train(self, batch: Sequence[tuple[str, Candidate]]) -> list[TrialRecord]:
        bench = self._bench
        curves = {name: record["curve"] for name, record in self._records.items()}
        records = train_all(bench, batch, bench.recipe, bench.envelope.fidelity, prune=True, history=curves)
        self._records.update({candidate.id: record for (_, candidate), record in zip(batch, records, strict=True)})
        return records

    def _over(self) -> bool:
        """Out of time, or told to stop: what it decided once is replayed as a count of trials."""
        bench, turn = self._bench, self.turn
        done = sum(len(contestant.trials) for contestant in self._contestants.values())
        decided = bench.store.step(bench.run, f"over/{turn}")
        if decided is None:
            left = bench.seconds_left(SEARCH_SHARE * (turn + 1) / bench.envelope.rounds)
            if not (bench.look_for_stop() or (left is not None and left <= 0 and done)):
                return False
            decided = bench.once(f"over/{turn}", lambda: {"trials": done})
        return bool(done >= decided["trials"])


def aim(bench: Workbench) -> Objectives:
    """The primary metric, in its own direction."""
    primary = bench.plan.primary
    return Objectives({primary: "max" if higher_is_better(primary) else "min"})


def drawn_evenly(space: Families, seed: int) -> list[Point]:
    """What the baseline draws first."""
    strategy = make_strategy("random", seed, Objectives())
    points = []
    for number in range(WARM_UP):
        points.append(strategy.suggest(space, number))
        strategy.update(points[-1], {})
    return points


def suited(strategy: str, trials: int) -> dict[str, Any]:
    """Options for so few trials, where the strategy has them: the warm-up is its random start, populations are small.

    By default many strategies would still be drawing at random when the budget is spent.
    """
    known = options_of(strategy)
    options: dict[str, Any] = {"n_initial_random": WARM_UP} if "n_initial_random" in known else {}
    if isinstance(usual := known.get("population_size"), int):
        options["population_size"] = min(usual, max(4, trials // 3))
    return options
