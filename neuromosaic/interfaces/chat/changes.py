"""From a wish to a changed run."""

from typing import Any

from neuromosaic.core.brief import Brief, Budget
from neuromosaic.core.errors import UsageError
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.narration import duration, number
from neuromosaic.delivery.text import chosen
from neuromosaic.interfaces.chat.answers import results_of
from neuromosaic.interfaces.chat.wishes import Amend, GoOnFrom, Resize, Spend, UseModel
from neuromosaic.workflows import forking
from neuromosaic.workflows.forking import Fork, brief_of

Changing = Amend | GoOnFrom | Resize | Spend | UseModel
UNITS = {"parameters": "parameters", "memory_mb": "MB", "latency_ms": "ms", "flops": "FLOPs"}


def forked(store: Store, run: str, wish: Changing, *, begun: bool) -> Fork:
    """The changed run. `begun`: the old one has worked already.

    Raises UsageError where the wish has nothing to hold on to.
    """
    match wish:
        case Amend(brief=said):
            return forking.with_brief(store, run, overlaid(brief_of(store, run), said), _in_words(said))
        case Resize():
            return _resized(store, run, wish)
        case Spend():
            return _spending(store, run, wish, begun=begun)
        case GoOnFrom(candidate=which):
            return forking.from_candidate(store, run, which, f"on from candidate {which}")
        case UseModel(model=model, role=role):
            return forking.with_model(store, run, role, (model,), f"{model} for {role or 'all roles'}")


def overlaid(below: Brief, above: Brief) -> Brief:
    """Both, the second winning wherever it says something; the sentence stays."""
    said = above.model_dump(exclude_defaults=True, exclude={"sentence"})
    return Brief.model_validate(_over(below.model_dump(exclude_defaults=True), said))


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {key: _over(below[key], value) for key, value in above.items() if _tables(below.get(key), value)}
    return below | above | both


def _tables(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _resized(store: Store, run: str, wish: Resize) -> Fork:
    """The limit is set from what the chosen network measures, or, before there is one, from the limit that stood."""
    brief = brief_of(store, run)
    value = _measured(store, run, wish.what) or getattr(brief.constraints, wish.what)
    if value is None:
        raise UsageError('there is no network yet and no limit to scale: say a limit, such as "under 20k parameters"')
    limit = value * wish.factor
    limit = forking.scaled(value, wish.factor) if wish.what in {"parameters", "flops"} else limit
    constraints = brief.constraints.model_copy(update={wish.what: limit})
    change = f"at most {number(limit)} {UNITS[wish.what]} (it was {number(value)})"
    return forking.with_brief(store, run, brief.model_copy(update={"constraints": constraints}), change)


def _measured(store: Store, run: str, what: str) -> float | None:
    results = results_of(store, run)
    best = chosen(results) if results else None
    if best is None:
        return None
    figures = {"parameters": best.parameters, "flops": best.flops, "memory_mb": best.peak_memory_mb}
    return float(figures.get(what, best.latency_ms.p50))


def _spending(store: Store, run: str, wish: Spend, *, begun: bool) -> Fork:
    """More for a run that has worked; the budget itself for one that has not."""
    brief = brief_of(store, run)
    if wish.cost_usd is not None:
        limit = (brief.budget.cost_usd or 0.0) * begun + wish.cost_usd
        changed = brief.model_copy(update={"budget": brief.budget.model_copy(update={"cost_usd": limit})})
        return forking.with_brief(store, run, changed, f"up to ${limit:g} for models")
    said = f"{number(wish.trials)} trials" if wish.trials else duration(wish.seconds or 0.0)
    if begun:
        return forking.with_more(store, run, wish.seconds, wish.trials, f"{said} more")
    budget = Budget(trials=wish.trials, seconds=wish.seconds, cost_usd=brief.budget.cost_usd)
    return forking.with_brief(store, run, brief.model_copy(update={"budget": budget}), said)


def _in_words(said: Brief) -> str:
    stated = said.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(_flat(stated))


def _flat(stated: dict[str, Any]) -> list[str]:
    parts: list[str] = []
    for name, value in stated.items():
        parts += _flat(value) if isinstance(value, dict) else [f"{name.replace('_', ' ')} {value}"]
    return parts
