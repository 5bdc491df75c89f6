"""What each cheap signal was worth on this run's own trials, so that nobody has to believe in any of them."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from neuromosaic.core.evaluation.evaluators.trials import PROBED
from neuromosaic.core.evaluation.latency import LatencyPredictor, Work, work_in
from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.evaluation.signals import FEWEST, GRAPH_NETWORK, SignalEnsemble, Worth, worth
from neuromosaic.core.evaluation.wiring import structure, wiring
from neuromosaic.core.graph.packing import unpack
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Job
from neuromosaic.core.results import SignalResult
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate
from neuromosaic.workflows.field import Trials
from neuromosaic.workflows.trials import TrialRecord, fitness

Found = TypeVar("Found")
LOOKS = {"first epoch": 0.0, "half of the epochs": 0.5}
TOGETHER = "all together, by trees"
LATENCY = "latency predictor, against measured latency"
TIMED, REPEATS = 30, 30
"""Trials whose networks are timed, and passes of each."""
SAMPLES = 10
"""Timed networks, below which none is foretold."""
UNTIMED = Work(0.0, 0.0, 0.0, 0.0), 0.0
TIME_SHARE = 0.02
"""Of a time budget: what may be spent on proxies, and on latencies; what would come later is left out."""


def signals(bench: Workbench, trials: Trials) -> list[SignalResult]:
    """Rank correlations with what the trials of search and baseline came to, the strongest first.

    Zero-cost proxies come from the judge, early epochs from the curves of trainings that ran to their end: one that
    was stopped ends near where it was looked at. The latency predictor is held against latencies that are measured
    for it. Empty where there are too few trials to tell anything from chance. Computed once a run.
    """
    stored = bench.once("signals", lambda: [one.model_dump() for one in _measured(bench, trials)])
    if stored:
        bench.tell("signals", signals=stored)
    return [SignalResult.model_validate(one) for one in stored]


def _measured(bench: Workbench, trials: Trials) -> list[SignalResult]:
    known = {one.id: (one, record) for one, record in trials if math.isfinite(fitness(bench, record))}
    if len(known) < FEWEST:
        return []
    merits = [fitness(bench, record) for _, record in known.values()]
    rows = _proxies(bench, [candidate for candidate, _ in known.values()])
    early = [_early(bench, record) for _, record in known.values()]
    found = [_result(name, *_known(name, rows, merits)) for name in sorted(set().union(*rows))]
    found += [_result(name, *_known(name, early, merits)) for name in LOOKS]
    if all(rows):
        found += _together(bench, [candidate for candidate, _ in known.values()], rows, merits)
    found += _latency(bench, [candidate for candidate, _ in known.values()])
    return sorted(found, key=lambda one: (not one.used, -abs(one.correlation or 0.0), one.name))


def _together(
    bench: Workbench, candidates: Sequence[Candidate], rows: Sequence[dict[str, float]], merits: Sequence[float]
) -> list[SignalResult]:
    """What graph networks, and trees over proxies, paths and operations besides, say of trials they had not seen."""
    wired = [wiring(unpack(bench.store.get(one.graph))) for one in candidates if one.graph is not None]
    networks = wired if len(wired) == len(rows) else []
    every = [{**row, **structure(network)} for row, network in zip(rows, networks, strict=True)] if networks else rows
    told = SignalEnsemble(every, merits, networks=networks)
    found = [_told(GRAPH_NETWORK, told.worth[GRAPH_NETWORK])] if networks else []
    return [*found, *([_told(TOGETHER, told.own)] if told.used else [])]


def _latency(bench: Workbench, candidates: Sequence[Candidate]) -> list[SignalResult]:
    """How well the predictor tells a network's latency by those of the others; nothing where too few were timed."""
    timed = [one for one in candidates if one.graph is not None][:TIMED]
    if len(timed) < SAMPLES:
        return []
    measured = [(work, took) for work, took in _each(bench, timed, partial(_timed, bench), UNTIMED) if took > 0]
    if len(measured) < SAMPLES:
        return []
    times = [took for _, took in measured]
    return [_result(LATENCY, LatencyPredictor([work for work, _ in measured], times).unseen.tolist(), times)]


def _timed(bench: Workbench, candidate: Candidate) -> tuple[Work, float]:
    """What a network does, and its median latency by the judge, at the batch that the brief asks.

    In passes of the reference that was timed in turn with it: the machine's pace changes between two networks.
    """
    graph = unpack(bench.store.get(str(candidate.graph)))
    arguments = {
        "contract": bench.dataset.contract.model_dump(mode="json"), "repeats": REPEATS,
        "batch": bench.brief.constraints.latency_batch,
    }  # fmt: skip
    took = bench.judge.run(Job("measure", graph, arguments)).body
    work = work_in(wiring(graph), candidate.flops, candidate.parameters)
    return work, float(took["p50"]) / float(took["reference_ms"])


def _early(bench: Workbench, record: TrialRecord) -> dict[str, float]:
    """The primary metric that early epochs told, turned so that more is better."""
    curve, primary = record["curve"], bench.plan.primary
    if record["cause"] != "finished" or len(curve) <= len(LOOKS):
        return {}
    sign = 1.0 if higher_is_better(primary) else -1.0
    return {name: sign * curve[round(share * (len(curve) - 1))][primary] for name, share in LOOKS.items()}


def _known(
    name: str, rows: Sequence[Mapping[str, float]], merits: Sequence[float]
) -> tuple[list[float], list[float]]:
    """The signal and the merit where there are both."""
    pairs = [
        (row[name], merit) for row, merit in zip(rows, merits, strict=True) if math.isfinite(row.get(name, math.nan))
    ]
    return [value for value, _ in pairs], [merit for _, merit in pairs]


def _result(name: str, values: list[float], merits: list[float]) -> SignalResult:
    return _told(name, worth(values, merits))


def _told(name: str, found: Worth) -> SignalResult:
    known = math.isfinite(found.correlation)
    return SignalResult(
        name=name, correlation=found.correlation if known else None, interval=(found.low, found.high),
        trials=found.trials, used=found.used,
    )  # fmt: skip


def _proxies(bench: Workbench, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
    """By candidate; empty in the python lane, and for what a time budget leaves no time for."""
    train = bench.dataset.train
    batch = {"x": from_numpy(train.x[:PROBED]), "y": from_numpy(train.y[:PROBED])}
    arguments = {"recipe": bench.recipe.model_dump(mode="json"), "seed": bench.brief.seed}

    def one(candidate: Candidate) -> dict[str, float]:
        if candidate.graph is None:
            return {}
        job = Job("proxies", unpack(bench.store.get(candidate.graph)), arguments, batch)
        found: dict[str, Any] = bench.judge.run(job).body["proxies"]
        return found

    return _each(bench, candidates, one, {})


def _each(
    bench: Workbench, candidates: Sequence[Candidate], work: Callable[[Candidate], Found], late: Found
) -> list[Found]:
    """By candidate, as many at once as there are workers; `late` for what a time budget leaves no time for."""
    limit = bench.brief.budget.seconds
    until = math.inf if limit is None else time.monotonic() + TIME_SHARE * limit

    def one(candidate: Candidate) -> Found:
        return late if time.monotonic() > until else work(candidate)

    with ThreadPoolExecutor(bench.envelope.workers) as pool:
        return list(pool.map(one, candidates))
