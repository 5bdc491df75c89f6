"""Several models at one seat: each is asked as often as its proposals have earned for their cost.

Which one is next follows from the request alone (history, round, slot), so that a resumed run deals as before.
"""

import math
from collections.abc import Sequence
from typing import Any

from neuromosaic.core.proposals import Request
from neuromosaic.core.role_inputs import Trace
from neuromosaic.llm.protocols import ModelClient
from neuromosaic.prompts.condense import merit

CHEAPEST = 0.05
"""Least relative cost: a free model is not asked for ever while its proposals earn nothing."""


class Ensemble:
    """The members take the seats of a round one after the other by what they promise; every other role's request
    goes to the first member, as nothing earned tells them apart there."""

    def __init__(self, members: Sequence[ModelClient]) -> None:
        self.members = tuple(members)
        self.name = " + ".join(member.name for member in members)

    def order(self, request: Request[Any]) -> tuple[ModelClient, ...]:
        """All members, the one to be asked first."""
        slot = getattr(request.inputs, "slot", None)
        if slot is None:
            return self.members
        names = [member.name for member in self.members]
        ranked = deal(names, getattr(request.inputs, "history", ()), slot)
        return tuple(sorted(self.members, key=lambda member: ranked.index(member.name)))


def deal(names: Sequence[str], history: Sequence[Trace], slot: int) -> list[str]:
    """The names for this slot, the most promising first.

    Fractional KUBE (Tran-Thanh, Chapman, Rogers, Jennings: Knapsack based optimal policies for budget-limited
    multi-armed bandits, AAAI 2012): the highest (mean reward + sqrt(2 ln t / n)) / cost. The slots before this one
    have no outcome yet: each counts as tried with its model's mean.
    """
    earned: dict[str, list[float]] = {name: [] for name in names}
    for trace, one in zip(history, rewards(history), strict=True):
        earned.get(trace.designed_by, []).append(one)
    cost = relative_costs(names, history)
    mean = {name: sum(own) / max(1, len(own)) for name, own in earned.items()}
    tried = {name: len(own) for name, own in earned.items()}
    ranked: list[str] = []
    for step in range(slot + 1):
        total = sum(tried.values())
        ranked = sorted(names, key=lambda name: -_promise(mean[name], tried[name], total) / cost[name])
        if step < slot:
            tried[ranked[0]] += 1
    return ranked


def _promise(mean: float, tried: int, total: int) -> float:
    return mean + math.sqrt(2 * math.log(total) / tried) if tried else math.inf


def rewards(history: Sequence[Trace]) -> list[float]:
    """Of each family in [0, 1]: the share of all families that it is at least as good as; 0 without a measurement."""
    merits = [merit(trace) if trace.outcome == "accepted" else -math.inf for trace in history]
    return [sum(merit >= other for other in merits) / len(merits) if merit > -math.inf else 0.0 for merit in merits]


def relative_costs(names: Sequence[str], history: Sequence[Trace]) -> dict[str, float]:
    """Of one family by each model, over the dearest one: in US dollars where all are known, else in tokens."""
    last = {trace.designed_by: trace for trace in history}
    known = [last[name] for name in names if name in last]
    priced = all(trace.cost_usd is not None for trace in known)
    cost = {trace.designed_by: float((trace.cost_usd if priced else trace.tokens) or 0) for trace in known}
    dearest = max(cost.values(), default=0.0)
    return {name: max(CHEAPEST, cost[name] / dearest) if name in cost and dearest else 1.0 for name in names}
