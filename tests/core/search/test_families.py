"""Several spaces as one: nothing is lost, nothing leaks from one family to another, draws are even over them."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.search.families import FAMILY, Choice, Families
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.setup import check_unchanged, space_document
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.space.space import SearchSpace

NET = SearchSpace(
    {
        "depth": {"type": "int", "min": 1, "max": 8},
        "width": {"type": "int", "min": 8, "max": 64, "step": 8},
        "norm": {"type": "bool"},
        "groups": {"type": "ordinal", "values": [1, 2, 4], "when": {"norm": True}},
    },
    ["depth * width <= 64", lambda point: point["groups"] <= point["depth"]],
)
FAMILIES = Families({"r0s0": NET, "r0s1": SearchSpace({"depth": {"type": "bool"}}), "r1s0": SearchSpace({})})


@given(st.integers(0, 10_000), st.sampled_from(["r0s0", "r0s1", "r1s0"]))
def test_a_point_and_what_it_means_are_one(seed: int, family: str) -> None:
    spaces = {"r0s0": NET, "r0s1": SearchSpace({"depth": {"type": "bool"}}), "r1s0": SearchSpace({})}
    choice = Choice(family, spaces[family].sample(random.Random(seed)))
    point = FAMILIES.point(choice)
    FAMILIES.check(point)
    assert FAMILIES.choice(point) == choice


def test_every_point_is_one_of_a_family() -> None:
    points = FAMILIES.sample_many(300, 0)
    for point in points:
        FAMILIES.check(point)
        assert NET.contains(FAMILIES.choice(point).values) or point[FAMILY] != "r0s0"
    assert FAMILIES.sample_many(300, 0) == points != FAMILIES.sample_many(300, 1)


def test_draws_are_even_over_families_however_large_they_are() -> None:
    counts = Counter(point[FAMILY] for point in FAMILIES.sample_many(3000, 0))
    assert all(900 <= counts[family] <= 1100 for family in ("r0s0", "r0s1", "r1s0"))


def test_it_is_as_large_as_its_families_together() -> None:
    assert FAMILIES.size() == (NET.size() or 0) + 2 + 1 == len(list(FAMILIES.enumerate()))
    endless = SearchSpace({"rate": {"type": "float", "min": 0.0, "max": 1.0}})
    assert Families({"a": endless, "b": NET}).size() is None


def test_a_family_keeps_to_its_own_constraints_and_conditions() -> None:
    broken = FAMILIES.point(Choice("r0s0", {"depth": 8, "width": 64, "norm": False}))
    with pytest.raises(SpaceError, match=r"r0s0: depth \* width <= 64 is not met"):
        FAMILIES.check(broken)
    with pytest.raises(SpaceError, match="r0s0_groups: not active here"):
        FAMILIES.check({FAMILY: "r0s0", "r0s0_depth": 1, "r0s0_width": 8, "r0s0_norm": False, "r0s0_groups": 1})
    with pytest.raises(SpaceError, match="r0s1_depth: not active here"):
        FAMILIES.check({FAMILY: "r1s0", "r0s1_depth": True})


@pytest.mark.parametrize("name", ["auto", "evolutionary", "local_search", "random", "regularized_evolution"])
def test_strategies_stay_inside_and_visit_every_family(name: str) -> None:
    strategy = make_strategy(name, 3, Objectives({"value": "max"}))
    seen = set()
    for number in range(40):
        point = strategy.suggest(FAMILIES, number)
        FAMILIES.check(point)
        seen.add(point[FAMILY])
        strategy.update(point, {"value": random.Random(number).random()})
    assert seen == {"r0s0", "r0s1", "r1s0"}


def test_it_is_told_apart_from_families_that_changed() -> None:
    check_unchanged({"space": space_document(FAMILIES)}, {"space": space_document(FAMILIES)})
    other = Families({"r0s0": SearchSpace(NET.parameters, ["depth * width <= 128"])})
    with pytest.raises(Exception, match=r"lost the constraint 'function r0s0: depth \* width <= 64 "):
        check_unchanged({"space": space_document(FAMILIES)}, {"space": space_document(other)})


def test_as_many_points_as_asked_for() -> None:
    assert FAMILIES.sample_many(0, 0) == []
    with pytest.raises(SpaceError, match="-1 points"):
        FAMILIES.sample_many(-1, 0)
