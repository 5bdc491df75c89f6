"""Proposes families: the best suited ones first, then around what has been learnt."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.role_inputs import FamilyInputs, Finding, Trace
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.syntax import defaults, method, parse
from neuromosaic.llm.offline.catalogue import family_named, family_of
from neuromosaic.llm.offline.choosing import hard_limit, ranking, sensible_size
from neuromosaic.llm.offline.costing import Cost, calls, flops, parameters
from neuromosaic.llm.offline.family import Family
from neuromosaic.llm.offline.fitting import fit, refit
from neuromosaic.llm.offline.losses import propose_loss
from neuromosaic.llm.offline.planning import ranked
from neuromosaic.llm.offline.wishes import wished
from neuromosaic.llm.offline.writing import write_source

SMALLER = 0.6
"""What a repair leaves of a network that was too large."""

_TOO_MUCH = re.compile(
    r"too-(many|large|big|slow|deep|much|long)|over-|exceed|memory|time-?out|latency|within_the_limit"
)
_TOO_SLOW = re.compile(r"slow|latency|time-?out|too-long")


@dataclass(frozen=True)
class Plan:
    """One thing to propose: a family at a fresh size, or, with `trace`, around its best point so far.

    `variant` counts further proposals of one family; with `trace`, the second looks further around.
    """

    family: Family
    trace: Trace | None = None
    variant: int = 0


def propose_family(inputs: FamilyInputs) -> FamilyProposal:
    """The slot's family: at first by what suits the data, later by the history; a repair by its findings."""
    if inputs.findings and inputs.previous is not None:
        return _repair(inputs, inputs.previous)
    plans = _first_plans(inputs) if inputs.round == 0 else _later_plans(inputs)
    plan = plans[inputs.slot]
    if plan.trace is not None:
        return _refined(inputs, plan, plan.trace)
    return _with_loss(inputs, _fresh(inputs, plan, hard_limit(inputs)))


def _with_loss(inputs: FamilyInputs, found: FamilyProposal) -> FamilyProposal:
    """Beside the family a loss, where one is asked for and there is a reason."""
    if inputs.loss is None or (loss := propose_loss(inputs)) is None:
        return found
    source, why = loss
    return found.model_copy(update={"loss": source, "rationale": f"{found.rationale} Beside it a loss: {why}"})


def _first_plans(inputs: FamilyInputs) -> list[Plan]:
    """One of each kind, then deeper variants of them, for as many slots as there are."""
    families = ranking(inputs)
    return [Plan(families[i % len(families)], variant=i // len(families)) for i in range(inputs.slots)]


def _later_plans(inputs: FamilyInputs) -> list[Plan]:
    """Around the best, something new, around the second best; then bolder, newer, and variants of the known."""
    tried = {trace.family.split(",")[0] for trace in inputs.history}
    fresh = [Plan(family) for family in ranking(inputs) if family.name not in tried]
    best = _best_of_each(inputs)
    plans = [*best[:1], *fresh[:1], *best[1:2], *_bolder(best[:1]), *fresh[1:], *best[2:], *_bolder(best[1:])]
    variants = (Plan(family, variant=inputs.round + i) for i in range(inputs.slots) for family in ranking(inputs))
    return [*plans, *variants][: max(inputs.slots, inputs.slot + 1)]


def _best_of_each(inputs: FamilyInputs) -> list[Plan]:
    """A refinement of each of our families that did well, best first."""
    plans: dict[str, Plan] = {}
    for trace in ranked(inputs.history, inputs.brief.constraints.metrics):
        family = family_named(trace.family)
        if family is not None and family.suits(inputs.contract):
            plans.setdefault(family.name, Plan(family, trace))
    return list(plans.values())


def _bolder(plans: Sequence[Plan]) -> list[Plan]:
    return [Plan(plan.family, plan.trace, variant=1) for plan in plans]


# ---------------------------------------------------------------- from a plan to a proposal


def _fresh(inputs: FamilyInputs, plan: Plan, limit: Cost) -> FamilyProposal:
    family, contract = plan.family, inputs.contract
    fitted = fit(family, contract, limit, sensible_size(inputs), plan.variant)
    size = parameters(family, contract, fitted.defaults)
    return FamilyProposal(
        name=family.name + (f", variant {plan.variant}" if plan.variant else ""),
        source=write_source(family, contract, fitted.defaults),
        space=fitted.space,
        rationale=f"{_sentence(family.merit)} {_how_large(inputs, size)}{_as_wished(inputs, family)}",
    )


def _refined(inputs: FamilyInputs, plan: Plan, trace: Trace) -> FamilyProposal:
    family, contract = plan.family, inputs.contract
    fitted = refit(family, contract, trace.best, hard_limit(inputs), bold=plan.variant > 0)
    new = sorted(set(family.later) & set(fitted.space))
    return FamilyProposal(
        name=f"{family.name}, round {inputs.round + 1}" + (", wider" if plan.variant else ""),
        source=write_source(family, contract, fitted.defaults),
        space=fitted.space,
        rationale=f"{trace.family} did well ({_figures(trace)}): this looks {_how_far(plan)} around its best point"
        + (f" and tries {', '.join(new).replace('_', ' ')} too." if new else "."),
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _how_large(inputs: FamilyInputs, size: int) -> str:
    limit = inputs.brief.constraints.parameters
    if limit is None:
        return f"{size:,} parameters suit {inputs.data.train:,} training examples."
    if size > limit:
        return f"Its smallest network has {size:,} parameters, more than the {limit:,} allowed."
    return f"{size:,} parameters use {size / max(1, limit):.0%} of the {limit:,} allowed."


def _as_wished(inputs: FamilyInputs, family: Family) -> str:
    if family.name in wished(inputs.brief):
        return " The brief asks for one."
    named = sorted(wished(inputs.brief))
    return f" None of those that the brief names ({', '.join(named)}) suits these data and limits." if named else ""


def _how_far(plan: Plan) -> str:
    return "widely" if plan.variant else "closely"


def _figures(trace: Trace) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in list(trace.metrics.items())[:3])


# ---------------------------------------------------------------- repair


def _repair(inputs: FamilyInputs, previous: str) -> FamilyProposal:
    """A smaller network of the same family where it was too much; else the next family."""
    family = family_of(previous)
    too_much = [finding for finding in inputs.findings if _TOO_MUCH.search(_text(finding))]
    if family is not None and too_much:
        limit = _reduced(inputs, family, defaults_of(previous), too_much)
        smaller = _fresh(inputs, Plan(family), limit)
        if smaller.source != previous:
            return smaller
    return _fresh(inputs, Plan(_next(inputs, family)), hard_limit(inputs))


def _text(finding: Finding) -> str:
    return f"{finding.code} {finding.message}".lower()


def _reduced(inputs: FamilyInputs, family: Family, point: Point, findings: Sequence[Finding]) -> Cost:
    """The limits, and well below what the previous network cost."""
    contract = inputs.contract
    slow = any(_TOO_SLOW.search(_text(finding)) for finding in findings)
    before = Cost(
        parameters(family, contract, point),
        flops(family, contract, point),
        calls(family, contract, point) if slow else float("inf"),
    )
    return before.times(SMALLER).capped(hard_limit(inputs))


def defaults_of(source: str) -> Point:
    """The defaults of `Model`'s constructor; our sources have only literals there."""
    constructor = method("__init__", parse(source))
    assert constructor is not None  # our sources have one
    return {name: ast.literal_eval(value) for name, value in defaults(constructor).items()}


def _next(inputs: FamilyInputs, family: Family | None) -> Family:
    """The first family after this one that neither the other slots nor the history have."""
    order = ranking(inputs)
    start = order.index(family) if family in order else inputs.slot
    others = [order[(start + step) % len(order)] for step in range(1, len(order) + 1)]
    taken = {trace.family.split(",")[0] for trace in inputs.history}
    taken |= {other.name for other in order[: inputs.slots]} if inputs.round == 0 else set()
    free = [other for other in others if other.name not in taken]
    return free[inputs.slot % len(free)] if free else others[0]
