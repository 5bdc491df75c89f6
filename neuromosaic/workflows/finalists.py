"""The last rung: the best few of the search and of the baseline, trained in full."""

import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

from neuromosaic.core.errors import Interrupted, RunFailedError
from neuromosaic.core.search.pareto import pareto_front
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate
from neuromosaic.workflows.field import BASELINE, CONTESTANTS, SEARCH, Trials, play
from neuromosaic.workflows.signalling import signals
from neuromosaic.workflows.state import DesignState
from neuromosaic.workflows.trials import TrialRecord, fitness, standing, train_all

TRAINED_SHARE = 0.93
"""Of a time budget: by then the finalists are trained; the rest is for certifying and delivering."""
UNCOMPRESSED_SHARE = 0.7
"""Of that, where smaller networks are to be made from the finalists."""
WORTHWHILE = 1.2
"""A longer training is begun only where it is at least so much longer."""
LONGEST = 2.0
"""So many times as long as the recipe says, where a time budget leaves time that would only be handed back."""


class Finalist(NamedTuple):
    """`contestant` that found it: "search" or "random_search"; `record` of its training in full."""

    contestant: str
    candidate: Candidate
    record: TrialRecord


def finalists(bench: Workbench, state: DesignState) -> DesignState:
    """Trains the finalists in full; told to stop, it keeps the best as they are."""
    bench.once("finalists", lambda: _train_finalists(bench, state))
    return {}


def known_finalists(bench: Workbench) -> list[Finalist]:
    """Those of search and baseline, and the smaller ones that were made from them; each network once."""
    smaller = _read(bench, "compressed")
    taught = {finalist.candidate.id for finalist in smaller}
    rest = [one for one in trained_finalists(bench) if one.contestant != SEARCH or one.candidate.id not in taught]
    return [*rest, *smaller]


def trained_finalists(bench: Workbench) -> list[Finalist]:
    """As search and baseline left them."""
    return _read(bench, "finalists")


def _read(bench: Workbench, step: str) -> list[Finalist]:
    stored = bench.store.step(bench.run, step) or []
    return [Finalist(name, Candidate.model_validate(candidate), record) for name, candidate, record in stored]


def _train_finalists(bench: Workbench, state: DesignState) -> list[Any]:
    played = play(bench, state["round"], state["families"])
    signals(bench, [trial for name in CONTESTANTS for trial in played[name]])
    chosen = [(name, *trial) for name in CONTESTANTS for trial in choose(bench, played[name])]
    if not any(name == SEARCH for name, _, _ in chosen):
        _explain_nothing(bench, played)
    records = [record for _, _, record in chosen]
    if bench.look_for_stop():
        bench.once("stopped", lambda: True)
    elif fidelity := bench.once("full fidelity", lambda: affordable(bench, chosen)):
        bench.tell("finalists.started", names=list(dict.fromkeys(c.name for _, c, _ in chosen)), fidelity=fidelity)
        full = train_all(bench, [(name, candidate) for name, candidate, _ in chosen], bench.recipe, fidelity)
        records = [_better(bench, early, late) for early, late in zip(records, full, strict=True)]
    pairs = zip(chosen, records, strict=True)
    return [[name, candidate.model_dump(mode="json"), record] for (name, candidate, _), record in pairs]


def affordable(bench: Workbench, chosen: list[tuple[str, Candidate, TrialRecord]]) -> float:
    """How much of a full training there is time for, up to LONGEST: 1.0 without a time budget; 0.0 where it would be
    hardly more than what the search has given already."""
    share = TRAINED_SHARE * (UNCOMPRESSED_SHARE if bench.options.compress else 1.0)
    left, tried = bench.seconds_left(share), bench.envelope.fidelity
    if left is None:
        return 1.0
    full = {candidate.id: record["seconds"] / tried for _, candidate, record in chosen}
    share = left / max(1e-9, makespan(list(full.values()), bench.envelope.workers))
    return 0.0 if share < WORTHWHILE * tried else round(min(LONGEST, share), 2)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """How long these jobs take, each begun in order as soon as a worker is free."""
    busy = [0.0] * workers
    for one in seconds:
        heapq.heapreplace(busy, busy[0] + one)
    return max(busy)


def choose(bench: Workbench, trials: Trials) -> Trials:
    """The best by validation; with more than two places, then the smallest of those that none beats in both."""
    usable = [trial for trial in trials if trial[1]["weights"] and fitness(bench, trial[1]) > float("-inf")]
    smallest = sorted(usable, key=lambda trial: (trial[0].parameters, trial[0].id))
    ranked = sorted(smallest, key=lambda trial: standing(bench, trial[1]), reverse=True)
    places = bench.envelope.finalists
    best = ranked[: min(2, places)]
    front = pareto_front(ranked, lambda trial: (-fitness(bench, trial[1]), trial[0].parameters))
    return (best + [trial for trial in front if trial not in best])[:places]


def _better(bench: Workbench, early: TrialRecord, late: TrialRecord) -> TrialRecord:
    """Training in full, unless it diverged, was cut short, or came out worse on the validation data."""
    return late if late["weights"] and fitness(bench, late) >= fitness(bench, early) else early


def _explain_nothing(bench: Workbench, played: dict[str, Trials]) -> None:
    if bench.stopping:
        raise Interrupted("stopped before any network was trained; `neuromosaic resume` goes on from here")
    causes = sorted({record["cause"] for trials in played.values() for _, record in trials})
    if not causes:
        raise RunFailedError(
            "no point of any family keeps within the brief's limits: loosen them, or give more trials"
        )
    raise RunFailedError(
        f"no training came to a usable network (outcomes: {', '.join(causes)}): check the data's scale"
    )


def best_of(bench: Workbench, contestant: str, among: list[Finalist]) -> Finalist | None:
    """The contestant's finalist with the best validation metric."""
    own = [finalist for finalist in among if finalist.contestant == contestant]
    return max(own, key=lambda finalist: standing(bench, finalist.record), default=None)


def needing_certificate(bench: Workbench) -> list[Finalist]:
    """All of the search's finalists, and the baseline's best; each network once."""
    known = known_finalists(bench)
    baseline = best_of(bench, BASELINE, known)
    wanted = [finalist for finalist in known if finalist.contestant == SEARCH]
    return wanted + ([baseline] if baseline else [])
