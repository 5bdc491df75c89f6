"""`design --dry-run`: what a run would do, how long it may take and what it may cost, as far as can be told."""

from typing import Any

from neuromosaic.core.brief import Brief
from neuromosaic.core.role_inputs import BriefInputs, ComputeInputs, FamilyInputs, MetricsInputs, RecipeInputs
from neuromosaic.workflows.options import Options

CALLS_PER_SEAT = 3
"""A proposal and two repairs, at most."""


def forecast(brief: Brief, options: Options) -> dict[str, Any]:
    """The built-in designer's plan for this brief; a model would be asked for its own. Trains nothing."""
    from neuromosaic.agents.compute import plan_envelope
    from neuromosaic.agents.intake import read_brief
    from neuromosaic.agents.metrics import plan_metrics
    from neuromosaic.agents.trainer import propose_recipes
    from neuromosaic.core.evaluation.data.loading import load_dataset
    from neuromosaic.core.evaluation.hardware import choose_device, profile
    from neuromosaic.core.evaluation.metrics import measurable
    from neuromosaic.llm.offline.designer import OfflineDesigner
    from neuromosaic.llm.offline.durations import seconds_in_all

    client = OfflineDesigner()
    draft = read_brief(client, BriefInputs(sentence=brief.sentence, known=brief))
    dataset = load_dataset(draft.brief)
    common = {"brief": draft.brief, "contract": dataset.contract, "data": dataset.summary}
    hardware = profile(choose_device(draft.brief.device))
    envelope = plan_envelope(client, ComputeInputs(**common, hardware=hardware))
    plan = plan_metrics(client, MetricsInputs(**common, available=measurable(dataset.contract)))
    recipe = propose_recipes(client, RecipeInputs(**common, hardware=hardware, families=(), loss=plan.loss)).recipes[
        0
    ]
    trials = draft.brief.budget.trials or envelope.trials
    passes = 2 * trials * envelope.fidelity * recipe.epochs + 2 * envelope.finalists * recipe.epochs
    families = FamilyInputs(**common, hardware=hardware, slot=0, slots=envelope.families)
    seconds = seconds_in_all(families, recipe, envelope, trials)
    return {
        "brief": draft.brief.model_dump(mode="json"), "not_understood": list(draft.not_understood),
        "contract": dataset.contract.model_dump(mode="json"), "notes": list(dataset.notes),
        "hardware": hardware.model_dump(), "plan": {**envelope.model_dump(), "trials": trials},
        "metrics": plan.model_dump(mode="json"), "recipe": recipe.model_dump(mode="json"),
        "training": {"examples": len(dataset.train), "passes_over_the_data": round(passes, 1)},
        "seconds_at_most": draft.brief.budget.seconds,
        "seconds_estimated": draft.brief.budget.seconds or round(seconds),
        "model_calls_at_most": _calls(envelope, options), "cost_usd_at_most": _cost(draft.brief, options),
    }  # fmt: skip


def _calls(envelope: Any, options: Options) -> int:
    asked = {name for names in (options.models, *options.role_models.values()) for name in names} - {"offline"}
    seats = envelope.families + max(1, envelope.families // 2) * (envelope.rounds - 1)
    return (6 + CALLS_PER_SEAT * seats + envelope.rounds) if asked else 0


def _cost(brief: Brief, options: Options) -> float | None:
    """0 without a model; the person's limit; None where neither is known."""
    if _calls_no_model(options):
        return 0.0
    return brief.budget.cost_usd


def _calls_no_model(options: Options) -> bool:
    return all(names == ("offline",) for names in (options.models, *options.role_models.values()))


def print_forecast(said: dict[str, Any]) -> None:
    plan, recipe = said["plan"], said["recipe"]
    cost = (
        "unknown (set --max-cost)" if said["cost_usd_at_most"] is None else f"${said['cost_usd_at_most']:.2f} at most"
    )
    lines = [
        f"Task       {said['contract']['task'].replace('_', ' ')}: {said['contract']['input']['dtype']}"
        f" {said['contract']['input']['shape']} -> {said['contract']['output']['shape']}",
        *(f"Limit      {name} {value}" for name, value in _limits(said["brief"])),
        *(f"Unread     {phrase}" for phrase in said["not_understood"]),
        *(f"Note       {note}" for note in said["notes"]),
        f"Search     {plan['families']} families, {plan['trials']} trials and as many random ones,"
        f" {plan['workers']} at once; then {plan['finalists']} finalists of each in full",
        f"Training   {recipe['optimizer']}, {recipe['epochs']:g} epochs in full; about"
        f" {said['training']['passes_over_the_data']:g} passes over {said['training']['examples']:,} examples in all",
        f"Measured   {said['metrics']['primary']}, loss {said['metrics']['loss']}, on {said['hardware']['name']}",
        f"Time       {_time(said)}",
        f"Models     {said['model_calls_at_most']} calls at most; {cost}",
    ]  # fmt: skip
    print("\n".join(lines))


def _time(said: dict[str, Any]) -> str:
    if said["seconds_at_most"]:
        return f"{said['seconds_at_most']:,g} s at most, as the brief says"
    return f"about {said['seconds_estimated']:,} s (a guess, before anything but the machine was measured)"


def _limits(brief: dict[str, Any]) -> list[tuple[str, Any]]:
    constraints = brief["constraints"]
    named = [(name, constraints[name]) for name in ("parameters", "flops", "latency_ms", "memory_mb")]
    return [(name, value) for name, value in [*named, *constraints["metrics"].items()] if value is not None]
