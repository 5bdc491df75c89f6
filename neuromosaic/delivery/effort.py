"""What a run took: where its time went, and what each model client was asked."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from neuromosaic.core.store.store import Event

PHASES = ("brief", "plan", "test suite", "networks", "recipe", "search", "full training", "certificates", "delivery")

_PHASE_OF = {
    "brief.read": "brief", "hardware": "plan", "envelope": "plan", "metrics": "plan", "suite.red": "test suite",
    "suite.mutants": "test suite", "family.proposed": "networks", "gate.verdict": "networks",
    "family.accepted": "networks", "family.rejected": "networks", "recipe": "recipe", "point.refused": "search",
    "round.finished": "search", "judgement": "search", "compressed": "full training",
    "test.opened": "certificates", "certified": "certificates",
    "precision": "recipe", "certificate.refused": "certificates", "baseline": "certificates", "delivered": "delivery",
}  # fmt: skip
"""What the run was busy with until such an event came."""

_ROLE_OF = {
    "TestArchitect": "test suite", "NetworkArchitect": "networks", "ModelArchitect": "networks", "Compute": "plan",
    "Trainer": "recipe",
}  # fmt: skip


RECIPE = ("recipe", "usual_loss", "proposed_loss")
"""Whose trials choose the recipe."""


class Phase(NamedTuple):
    name: str
    seconds: float


class Usage(NamedTuple):
    """`calls` that were paid for, `reused` answers from the store; `cost_usd` None where no price is known."""

    model: str
    calls: int
    reused: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost_usd: float | None


def phases(events: Sequence[Event]) -> list[Phase]:
    """Seconds of work by phase, in the order of a run; time between two processes belongs to none."""
    seconds: dict[str, float] = {}
    current, since = "brief", events[0].time if events else 0.0
    for event in events:
        if event.kind != "process.started":
            current = _phase(event) or current
            seconds[current] = seconds.get(current, 0.0) + event.time - since
        since = event.time
    return [Phase(name, seconds[name]) for name in PHASES if seconds.get(name, 0) > 0]


def _phase(event: Event) -> str | None:
    data = event.data
    if event.kind == "trial.finished":
        return "full training" if data.get("final") else "recipe" if data["contestant"] in RECIPE else "search"
    if event.kind == "model.called":
        judged = data.get("role") == "Metrics" and data.get("purpose") == "judge"
        return "search" if judged else _ROLE_OF.get(data.get("role", ""))
    return _PHASE_OF.get(event.kind)


def usage(events: Sequence[Event]) -> list[Usage]:
    """By model, in the order of their first calls."""
    calls: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.kind == "model.called":
            calls.setdefault(event.data["model"], []).append(event.data)
    return [_usage(model, own) for model, own in calls.items()]


def _usage(model: str, calls: Sequence[Mapping[str, Any]]) -> Usage:
    paid = [call for call in calls if not call["cached"]]
    costs = [call["cost_usd"] for call in paid if call["cost_usd"] is not None]
    return Usage(
        model, len(paid), len(calls) - len(paid), sum(call["prompt_tokens"] for call in paid),
        sum(call["completion_tokens"] for call in paid), sum(call["seconds"] for call in paid),
        sum(costs) if costs else None,
    )  # fmt: skip
