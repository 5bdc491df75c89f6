"""Trainings, each at most once: by key from the store, or by a worker."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import TrialOutcome, run_trial
from neuromosaic.core.graph.packing import pack_tensors
from neuromosaic.core.search.pruners import MedianRule
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, canonical, family_of, subject
from neuromosaic.workflows.extending import given_weights

TrialRecord = dict[str, Any]
"""A stored trial: metrics, curve, cause, seconds, message, weights (artifact), and the evidence id of this run's use
of it."""


def trial_key(bench: Workbench, candidate: Candidate, recipe: Recipe, fidelity: float) -> str:
    """(candidate, recipe, fidelity, seed, data), and what a stored trial's weights and metrics depend on besides.

    The family's source is in it, because equal graphs may come with other initial weights and parameter names.
    """
    data = bench.dataset
    family = family_of(bench, candidate.family)
    return canonical(
        [
            candidate.id, canonical([family.proposal.source, candidate.values]), recipe.model_dump(mode="json"),
            fidelity, bench.brief.seed, data.hash, canonical(data.preprocessing.model_dump(mode="json")),
            bench.plan.primary, len(data.train.x), bench.hardware.device,
            *([given.weights] if (given := bench.options.extend) and given.weights else []),
        ]
    )  # fmt: skip


def train_all(
    bench: Workbench, wanted: Sequence[tuple[str, Candidate]], recipe: Recipe, fidelity: float, *,
    prune: bool = False, history: Mapping[str, Any] | None = None,
) -> list[TrialRecord]:  # fmt: skip
    """The trials of all (contestant, candidate) pairs in their order, as many at once as there are workers."""
    distinct = {candidate.id: (contestant, candidate) for contestant, candidate in reversed(wanted)}
    one = partial(_train, bench, recipe=recipe, fidelity=fidelity, prune=prune, history=history or {})
    with ThreadPoolExecutor(bench.envelope.workers) as pool:
        records = dict(zip(distinct, pool.map(lambda pair: one(*pair), distinct.values()), strict=True))
    return [records[candidate.id] for _, candidate in wanted]


def fitness(bench: Workbench, record: TrialRecord) -> float:
    """The primary metric, turned so that more is better; the worst where the trial came to nothing."""
    value = record["metrics"].get(bench.plan.primary)
    if value is None or value != value:
        return float("-inf")
    return float(value) if higher_is_better(bench.plan.primary) else -float(value)


def standing(bench: Workbench, record: TrialRecord) -> tuple[float, float]:
    """By which trials are ranked, more is better: the fitness; between equals, as few validation examples make many,
    the validation loss, which tells sure answers from lucky ones."""
    loss = record["metrics"].get("loss", math.inf)
    return fitness(bench, record), -loss if math.isfinite(loss) else -math.inf


def _train(
    bench: Workbench, contestant: str, candidate: Candidate, *, recipe: Recipe, fidelity: float, prune: bool,
    history: Mapping[str, Any],
) -> TrialRecord:  # fmt: skip
    key = trial_key(bench, candidate, recipe, fidelity)
    if (known := bench.store.trial(key)) is None:
        bench.tell("trial.started", trial=key[:12], contestant=contestant, name=candidate.name, fidelity=fidelity)
        outcome = _run(bench, candidate, recipe, fidelity, MedianRule() if prune else None, history, key)
        known = stored(bench, key, outcome)
        if not bench.stopping:
            bench.store.keep_trial(key, known)
    bench.once(f"told/{contestant}/{key}", lambda: _tell(bench, contestant, candidate, key, known, fidelity))
    return known


def _run(
    bench: Workbench, candidate: Candidate, recipe: Recipe, fidelity: float, pruner: MedianRule | None,
    history: Mapping[str, Any], key: str,
) -> TrialOutcome:  # fmt: skip
    def should_stop(step: int, metrics: Mapping[str, float]) -> bool:
        return bench.stopping or (pruner is not None and pruner.should_stop(key, step, metrics, history))

    def on_epoch(epoch: Mapping[str, float]) -> None:
        of = math.ceil(fidelity * recipe.epochs)
        bench.watch("trial.epoch", trial=key[:12], name=candidate.name, of=of, primary=bench.plan.primary, **epoch)

    worker = bench.judge if candidate.lane == "graph" else bench.sandbox
    return run_trial(
        worker, subject(bench, candidate), bench.dataset, recipe, bench.plan, fidelity=fidelity,
        seed=bench.brief.seed, should_stop=should_stop, on_epoch=on_epoch, timeout=24 * 3600.0,
        weights=given_weights(bench) if candidate.lane == "python" else None,  # a graph came with them
    )  # fmt: skip


def stored(bench: Workbench, key: str, outcome: TrialOutcome) -> TrialRecord:
    """The outcome as a record, its weights as an artifact."""
    weights = bench.store.put(pack_tensors(outcome.weights)) if outcome.weights else None
    return {
        "key": key, "metrics": outcome.metrics, "curve": outcome.curve, "cause": outcome.cause,
        "seconds": outcome.seconds, "message": outcome.message, "weights": weights,
    }  # fmt: skip


def _tell(
    bench: Workbench, contestant: str, candidate: Candidate, key: str, record: TrialRecord, fidelity: float
) -> bool:
    """Once a run for each contestant, also where a resumed run reads the trial from the store."""
    primary = bench.plan.primary
    bench.tell(
        "trial.finished", trial=key[:12], contestant=contestant, candidate=candidate.id, name=candidate.name,
        family=candidate.family, values=candidate.values, fidelity=fidelity,
        final=fidelity != bench.envelope.fidelity, cause=record["cause"],
        parameters=candidate.parameters, metric=primary, value=record["metrics"].get(primary),
        seconds=round(record["seconds"], 2), message=record["message"],
    )  # fmt: skip
    return True
