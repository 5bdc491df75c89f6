"""Counting and drawing the combinations that meet relations, exactly, by eliminating one variable after the other.

This is bucket elimination (Dechter, 1999, "Bucket elimination: a unifying framework for reasoning") along a path:
the table in hand holds the combinations of those variables only that later relations still ask about, with the
number of ways to complete them backwards. So 10^40 combinations are counted exactly where relations join few
variables at a time. Counts are whole numbers; draws are exact up to the rounding of float64.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neuromosaic.core.space.domains import Mask, Numbers, Weights

ROWS = 1_000_000  # the largest table: some 50 MB


class Variable(NamedTuple):
    """`counts` and `weights` of its states: how many values each stands for, and how likely it is, as a mean of 1."""

    name: str
    counts: tuple[int, ...]
    weights: Weights

    @property
    def size(self) -> int:
        return len(self.counts)


class Relation(NamedTuple):
    """Which combinations of the states of `names` may stand together; `mask` is asked with columns of states."""

    names: frozenset[str]
    mask: Callable[[Mapping[str, Numbers]], Mask]
    text: str


class Plan(NamedTuple):
    """The order of elimination, and the relations that it leaves out, since their tables would be too large."""

    order: tuple[str, ...]
    kept: tuple[Relation, ...]
    deferred: tuple[Relation, ...]


def plan(sizes: Mapping[str, int], relations: Sequence[Relation], rows: int = ROWS) -> Plan:
    """An order whose tables stay below `rows`; relations over the most combinations are left out until one does."""
    kept = list(relations)
    deferred: list[Relation] = []
    while True:
        order, blocking = _order(sizes, kept, rows)
        if blocking is None:
            return Plan(tuple(order), tuple(kept), tuple(deferred))
        kept.remove(blocking)
        deferred.append(blocking)


def _order(sizes: Mapping[str, int], relations: Sequence[Relation], rows: int) -> tuple[list[str], Relation | None]:
    """Greedily the variable that leaves the smallest table; with the relation to blame where none stays below."""
    related = frozenset[str]().union(*(relation.names for relation in relations))
    order = [name for name in sizes if name not in related]
    live: frozenset[str] = frozenset()
    near = {name: frozenset().union(*(r.names for r in relations if name in r.names), {name}) for name in related}
    left = dict.fromkeys(name for name in sizes if name in related)
    while left:
        connected = [name for name in left if near[name] & live] or list(left)
        open_ = [relation.names for relation in relations if not relation.names <= set(order)]
        after = {name: _live_after(name, live, open_, left) for name in connected}
        name = min(connected, key=lambda name: (_product(sizes, after[name]), _product(sizes, live | {name})))
        if _product(sizes, live | {name}) > rows:
            blamed = [relation for relation in relations if relation.names & (live | {name})]
            return order, max(blamed, key=lambda relation: _product(sizes, relation.names), default=None)
        order.append(name)
        live = after[name]
        del left[name]
    return order, None


def _live_after(
    name: str, live: frozenset[str], scopes: Sequence[frozenset[str]], left: Mapping[str, None]
) -> frozenset[str]:
    waiting = left.keys() - {name}
    still = [scope for scope in scopes if scope & waiting]
    return frozenset(known for known in live | {name} if any(known in scope for scope in still))


def _product(sizes: Mapping[str, int], names: frozenset[str]) -> int:
    return math.prod(sizes[name] for name in names)


class _Step(NamedTuple):
    """One variable added to the table: its rows sorted by the combination that they become.

    `state` of the variable and `parent` row in the table before, per row; `upto[row]` the weight up to and with
    it; `first` and `last` row of each combination.
    """

    name: str
    state: Numbers
    parent: Numbers
    upto: Weights
    first: Numbers
    last: Numbers


class Elimination:
    """The combinations of all `variables` that meet all `relations`, counted when made and then drawn at will.

    `count` is their exact number. Where it is 0, `culprit` is the text of the relation that left none.
    """

    def __init__(self, variables: Sequence[Variable], relations: Sequence[Relation], order: Sequence[str]) -> None:
        self._variables = {variable.name: variable for variable in variables}
        self._steps: list[_Step] = []
        self.count = 1
        self.culprit = ""
        table: dict[str, Numbers] = {}
        counts, weights = np.ones(1, dtype=object), np.ones(1)
        waiting = list(relations)
        for number, name in enumerate(order):
            seen = set(order[: number + 1])
            due = [relation for relation in waiting if relation.names <= seen]
            waiting = [relation for relation in waiting if not relation.names <= seen]
            keep = sorted(known for known in seen if any(known in relation.names for relation in waiting))
            table, counts, weights = self._add(name, table, counts, weights, due, keep)
            if self.culprit:
                self.count = 0
                return
        self.count = int(counts[0])

    def _add(
        self, name: str, table: dict[str, Numbers], counts: Numbers, weights: Weights,
        due: Sequence[Relation], keep: Sequence[str],
    ) -> tuple[dict[str, Numbers], Numbers, Weights]:  # fmt: skip
        variable = self._variables[name]
        parent = np.repeat(np.arange(len(weights)), variable.size)
        state = np.tile(np.arange(variable.size), len(weights))
        rows = {known: column[parent] for known, column in table.items()} | {name: state}
        for relation in due:
            holds = relation.mask(rows)
            parent, state = parent[holds], state[holds]
            rows = {known: column[holds] for known, column in rows.items()}
            if not len(state):
                self.culprit = relation.text
                return {}, counts, weights
        joined = self._joined(rows, keep, len(state))
        order = np.argsort(joined, kind="stable")
        first = np.flatnonzero(np.diff(joined[order], prepend=-1))
        parent, state = parent[order], state[order]
        row_weights = weights[parent] * variable.weights[state]
        summed = np.add.reduceat(row_weights, first)
        last = np.append(first[1:], len(state)) - 1
        upto = np.cumsum(row_weights / np.repeat(summed, last - first + 1))  # each combination's rows sum to 1
        self._steps.append(_Step(name, state, parent, upto, first, last))
        table = {known: rows[known][order][first] for known in keep}
        ways = np.array(variable.counts, dtype=object)
        return table, np.add.reduceat(counts[parent] * ways[state], first), summed / summed.sum()

    def _joined(self, rows: Mapping[str, Numbers], keep: Sequence[str], count: int) -> Numbers:
        """One number for each row: equal where the rows agree in all that is kept."""
        joined = np.zeros(count, dtype=np.int64)
        for name in keep:
            joined = joined * self._variables[name].size + rows[name]
        return joined

    def draw(self, count: int, draw: np.random.Generator) -> dict[str, Numbers]:
        """`count` combinations, independent, each as likely as its weight says: a column of states per variable."""
        drawn: dict[str, Numbers] = {}
        group = np.zeros(count, dtype=np.int64)
        for step in reversed(self._steps):
            before = np.where(step.first[group] > 0, step.upto[step.first[group] - 1], 0.0)
            target = before + draw.random(count) * (step.upto[step.last[group]] - before)
            row = np.searchsorted(step.upto, target, side="right")
            row = np.clip(row, step.first[group], step.last[group])
            drawn[step.name] = step.state[row]
            group = step.parent[row]
        return drawn
