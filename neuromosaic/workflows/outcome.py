"""What a run came to: the winner against the brief, as `results.json` says it."""

import math
from functools import partial
from typing import Any

from neuromosaic.core.errors import RunFailedError
from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.proposals import RoleName
from neuromosaic.core.results import CandidateResult, ConstraintResult, Results, Status
from neuromosaic.core.search.pareto import pareto_front
from neuromosaic.core.validation.constraints import judge_constraints, shortfall
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.certifying import environment
from neuromosaic.workflows.extending import against_given
from neuromosaic.workflows.fewer_bits import in_fewer_bits, with_variants
from neuromosaic.workflows.field import BASELINE, SEARCH
from neuromosaic.workflows.finalists import needing_certificate
from neuromosaic.workflows.proposed_loss import loss_tried


def results(bench: Workbench) -> Results:
    """Assembled from stored certificates alone. Raises RunFailedError where nothing could be certified."""
    found = certified(bench, SEARCH, BASELINE)
    if not found:
        raise RunFailedError(f"no finalist could be certified: {'; '.join(_refusals(bench))}")
    winner, nearest = _choose(bench, found)
    _say_who_found(bench, winner or nearest or found[0])
    if given := against_given(bench):
        bench.once("given compared", partial(_tell_note, bench, given))
    judged = against_brief(bench, winner or nearest or found[0])
    primary = bench.plan.primary
    sign = -1 if higher_is_better(primary) else 1
    # FLOPs stand for latency: a clock must not decide what one seed gives
    front = pareto_front(found, lambda c: (sign * c.metrics[f"val_{primary}"], c.parameters, c.flops))
    front = with_variants(bench, front, in_fewer_bits(bench, found))
    return Results(
        run=bench.run, status=_status(bench, winner), seed=bench.brief.seed, brief=bench.brief,
        models=_models(bench), winner=winner, pareto=front, nearest=nearest, baselines=_baselines(bench),
        constraints=judged,
        environment=environment(bench), metric=bench.plan.primary, recipe=bench.recipe.model_dump(mode="json"),
        compress=bench.options.compress, signals=bench.store.step(bench.run, "signals") or [],
        loss=loss_tried(bench),
    )  # fmt: skip


def certified(bench: Workbench, *contestants: str) -> list[CandidateResult]:
    """The contestants' certified candidates, each network once, best by validation first, by loss between equals."""
    wanted = {f.candidate.id for f in needing_certificate(bench) if f.contestant in contestants}
    stored = [bench.store.step(bench.run, f"certificate/{candidate}") for candidate in sorted(wanted)]
    results = [CandidateResult.model_validate(step) for step in stored if "failed" not in step]
    primary, sign = bench.plan.primary, -1 if higher_is_better(bench.plan.primary) else 1

    def standing(one: CandidateResult) -> tuple[float, float, int, str]:
        return sign * one.metrics[f"val_{primary}"], one.metrics.get("val_loss", math.inf), one.parameters, one.id

    return sorted(results, key=standing)


def against_brief(bench: Workbench, candidate: CandidateResult) -> list[ConstraintResult]:
    figures = {
        "parameters": float(candidate.parameters), "flops": candidate.flops, "memory_mb": candidate.peak_memory_mb,
        "latency_ms": candidate.latency_ms.p50,
    }  # fmt: skip
    test = {k.removeprefix("test_"): v for k, v in candidate.metrics.items() if k.startswith("test_")}
    return judge_constraints(bench.brief.constraints, figures, test)


def _say_who_found(bench: Workbench, best: CandidateResult) -> None:
    """The best network is delivered whoever drew it; that the baseline did is said."""
    if best.id not in {candidate.id for candidate in certified(bench, SEARCH)}:
        text = f"{best.name} was found by the random-search baseline: the search found nothing better on validation."
        bench.once("found by baseline", partial(_tell_note, bench, text))


def _tell_note(bench: Workbench, text: str) -> bool:
    bench.tell("note", text=text)
    return True


def _choose(bench: Workbench, own: list[CandidateResult]) -> tuple[CandidateResult | None, CandidateResult | None]:
    """(winner, None), or (None, nearest). Metric bounds do not choose: the test split only accepts or rejects."""
    judged = {candidate.id: against_brief(bench, candidate) for candidate in own}
    bounds = set(bench.brief.constraints.metrics)
    fitting = [c for c in own if all(result.met for result in judged[c.id] if result.name not in bounds)]
    if fitting and all(result.met for result in judged[fitting[0].id]):
        return fitting[0], None
    return None, min(own, key=lambda candidate: shortfall(judged[candidate.id]))


def _status(bench: Workbench, winner: CandidateResult | None) -> Status:
    if bench.store.step(bench.run, "stopped"):
        return "stopped"
    return "met" if winner else "not met"


def _models(bench: Workbench) -> dict[str, str]:
    """Which client answered each role."""
    designer: RoleName = "ModelArchitect" if bench.options.extend else "NetworkArchitect"
    own = [role.name for role in bench.roles.values() if role.advises]
    roles: list[RoleName] = ["TestArchitect", designer, "Trainer", "Compute", "Metrics", *own]
    return {role: bench.client(role).name_of(role) for role in roles}


def _baselines(bench: Workbench) -> dict[str, Any]:
    found: dict[str, Any] = dict(bench.store.step(bench.run, "baselines"))
    best = certified(bench, BASELINE)
    drawn = best[0].model_copy(update={"designed_by": "random search"}).model_dump(mode="json") if best else None
    return {"random_search": drawn, **found}


def _refusals(bench: Workbench) -> list[str]:
    steps = [bench.store.step(bench.run, f"certificate/{f.candidate.id}") for f in needing_certificate(bench)]
    return [step["failed"] for step in steps if "failed" in step]
