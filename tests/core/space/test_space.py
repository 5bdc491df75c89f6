"""A space knows exactly what is in it, and every draw and every move stays inside."""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.space import SearchSpace

CHOICE = {"type": "categorical", "values": ["a", "b", "c"]}
SMALL = {
    "kind": CHOICE,
    "depth": {"type": "int", "min": 1, "max": 4},
    "width": {"type": "int", "min": 8, "max": 32, "step": 8},
    "norm": {"type": "bool"},
    "groups": {"type": "ordinal", "values": [1, 2, 4], "when": {"norm": True}},
    "affine": {"type": "bool", "when": {"groups": [2, 4]}},
}
TEXTS = [
    "depth * width <= 64",
    'kind != "a" or depth > 1',
    "width % groups == 0 and groups < depth + 2",
    "not affine or depth in (1, 3)",
    "10 / depth > 2.6",
    "max(depth, groups) < 4 if norm else width > 8",
]


def brute(space: SearchSpace, parameters: dict) -> list[dict]:
    """Every subset of names with every value: those that `contains` accepts."""
    values = {"kind": ["a", "b", "c"], "depth": [1, 2, 3, 4], "width": [8, 16, 24, 32], "norm": [False, True],
              "groups": [1, 2, 4, None], "affine": [False, True, None]}  # fmt: skip
    rows = itertools.product(*(values[name] for name in parameters))
    points = [{n: v for n, v in zip(parameters, row, strict=True) if v is not None} for row in rows]
    return [point for point in points if space.contains(point)]


def as_key(point: dict) -> tuple:
    return tuple(sorted(point.items()))


@given(st.lists(st.sampled_from(TEXTS), unique=True, max_size=4))
@settings(max_examples=40, deadline=None)
def test_counting_listing_and_trying_every_combination_agree(texts) -> None:
    space = SearchSpace(SMALL, texts)
    points = brute(space, SMALL)
    assert space.size() == len(points)
    assert sorted(map(as_key, space.enumerate())) == sorted(map(as_key, points))


@given(st.lists(st.sampled_from(TEXTS), unique=True, max_size=3), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_draws_and_moves_stay_inside(texts, seed) -> None:
    space, draw = SearchSpace(SMALL, texts), random.Random(seed)
    one, other = space.sample(draw), space.sample(draw)
    near = list(space.neighbours(one))
    for point in (one, other, space.mutate(one, draw), space.cross(one, other, draw), *near):
        space.check(point)
        assert set(point) == set(space.active(point))
    assert space.mutate(one, draw) != one
    assert all(point != one for point in near)


@pytest.mark.parametrize("functions", [False, True])
def test_every_point_is_equally_likely(functions) -> None:
    """Chi-square over all points; the chance of a false alarm is below 1 in 10,000, and the seed is fixed."""
    texts = ["depth * width <= 64", "groups < depth + 2"]
    rules = [lambda x: x["depth"] * x["width"] <= 64, lambda x: x["groups"] < x["depth"] + 2] if functions else texts
    space = SearchSpace(SMALL, rules)
    points = list(space.enumerate())
    drawn = Counter(map(as_key, space.sample_many(60 * len(points), seed=5)))
    assert set(drawn) == set(map(as_key, points))
    chi_square = sum((count - 60) ** 2 / 60 for count in drawn.values())
    free = len(points) - 1
    assert chi_square < free + 4 * (2 * free) ** 0.5


def test_integers_with_log_are_even_in_log_space() -> None:
    width = {"type": "int", "min": 1, "max": 1024, "log": True}
    alone = SearchSpace({"w": width})
    bound = SearchSpace({"w": width, "d": {"type": "int", "min": 1, "max": 2}}, ["w + d >= 2"])
    for space in (alone, bound):
        small = sum(point["w"] < 32 for point in space.sample_many(20_000, 3)) / 20_000
        assert small == pytest.approx(0.4976, abs=0.015)  # ln 31.5 / ln 1024


def test_the_same_seed_draws_the_same_points() -> None:
    one, other = SearchSpace(SMALL, TEXTS[:2]), SearchSpace(SMALL, TEXTS[:2])
    assert one.sample_many(50, 7) == other.sample_many(50, 7)
    assert one.sample_many(50, 7) != one.sample_many(50, 8)
    assert one.sample(random.Random(1)) == other.sample(random.Random(1))


def test_a_chain_of_constraints_over_ten_to_the_forty_points_is_counted_exactly() -> None:
    digits = {f"p{number}": {"type": "int", "min": 0, "max": 99} for number in range(20)}
    rising = [f"p{number} < p{number + 1}" for number in range(4)]
    space = SearchSpace(digits, [*rising, "p7 + p8 == 100"])
    assert SearchSpace(digits).size() == 10**40
    assert space.size() == 75_287_520 * 99 * 100**13  # 100 choose 5, the pairs that sum to 100, and the rest
    for point in space.sample_many(200, 0):
        space.check(point)


def test_valid_points_that_are_too_rare_are_refused_with_how_rare_they_are() -> None:
    hidden = {f"p{number}": {"type": "int", "min": 0, "max": 99} for number in range(5)}
    space = SearchSpace(hidden, [lambda x: sum(x.values()) == 0])
    with pytest.raises(SpaceError, match=r"none of 1\d\d,\d+ \(so fewer than 1 in [34]\d,\d+, at 95%\).*lambda"):
        space.sample_many(1, 0)
    assert space.size() is None


@pytest.mark.parametrize("most", [20, 300])
def test_rare_points_of_a_small_space_are_found_all_the_same(most) -> None:
    small = {"a": {"type": "int", "min": 1, "max": most, "log": True}, "b": {"type": "int", "min": 1, "max": most}}
    space = SearchSpace(small, [lambda x: x["a"] == 7 and x["b"] == most])
    assert space.size() == 1
    assert space.sample_many(3, 0) == [{"a": 7, "b": most}] * 3
    with pytest.raises(SpaceError, match="no other point"):
        space.mutate({"a": 7, "b": most}, random.Random(0))


@pytest.mark.parametrize("rule", ["depth > 9", lambda x: x["depth"] > 9])
def test_a_space_without_any_point_says_which_constraint_leaves_none(rule) -> None:
    space = SearchSpace(SMALL, [rule])
    assert space.size() == 0
    with pytest.raises(SpaceError, match=r"no point of the space meets (depth > 9|.*lambda>)"):
        space.sample(random.Random(0))


def test_floats_make_a_space_endless_and_are_drawn_under_constraints() -> None:
    space = SearchSpace(
        {"low": {"type": "float", "min": 0, "max": 1}, "high": {"type": "float", "min": 0, "max": 1}, "n": CHOICE},
        ["low + 0.5 < high"],
    )
    assert space.size() is None
    assert all(point["low"] + 0.5 < point["high"] for point in space.sample_many(500, 1))
    with pytest.raises(SpaceError, match="endlessly many"):
        space.enumerate()


def test_a_constraint_about_a_parameter_that_is_not_active_does_not_apply() -> None:
    by_text = SearchSpace(SMALL, ["groups > 1"])
    by_function = SearchSpace(SMALL, [lambda x: x["groups"] > 1])
    point = {"kind": "a", "depth": 1, "width": 8, "norm": False}
    assert by_text.contains(point)
    assert by_function.contains(point)
    assert by_text.size() == by_function.size() == 48 + 48 * 2 * 2


def test_neighbours_are_one_step_of_one_parameter_away() -> None:
    space = SearchSpace(SMALL)
    point = {"kind": "a", "depth": 1, "width": 16, "norm": False}
    assert list(space.neighbours(point)) == [
        {**point, "kind": "b"},
        {**point, "kind": "c"},
        {**point, "depth": 2},
        {**point, "width": 8},
        {**point, "width": 24},
        {**point, "norm": True, "groups": 2, "affine": False},
    ]


def test_a_float_steps_by_a_twentieth_of_its_range() -> None:
    space = SearchSpace({"rate": {"type": "float", "min": 1e-4, "max": 1, "log": True}})
    near = [point["rate"] for point in space.neighbours({"rate": 1e-4})]
    assert near == [pytest.approx(10 ** (-4 + 0.2))]


def test_a_wide_range_of_whole_numbers_is_crossed_in_twentieths_too() -> None:
    wide = SearchSpace({"n": {"type": "int", "min": 1, "max": 10**6, "log": True}})
    assert [point["n"] for point in wide.neighbours({"n": 1000})] == [999, 1001, 501, 1995]
    assert [point["n"] for point in wide.neighbours({"n": 1})] == [2]


def test_whole_numbers_on_a_log_scale_are_mutated_on_it() -> None:
    space = SearchSpace({"n": {"type": "int", "min": 1, "max": 10**6, "log": True}})
    moved = [int(space.mutate({"n": 100}, random.Random(seed))["n"]) for seed in range(200)]
    assert 100 not in moved
    assert 100 / 10**1.2 - 1 < min(moved) < 50
    assert 200 < max(moved) < 100 * 10**1.2 + 1


def test_mutation_leaves_a_point_whose_neighbours_are_all_invalid() -> None:
    space = SearchSpace({"a": {"type": "int", "min": 0, "max": 99}, "b": {"type": "int", "min": 0, "max": 99}},
                        ["a == b", "a in (0, 99)"])  # fmt: skip
    assert space.mutate({"a": 0, "b": 0}, random.Random(0)) == {"a": 99, "b": 99}


def test_crossing_keeps_to_the_constraints_where_parents_hardly_mix() -> None:
    names = [f"p{number}" for number in range(12)]
    space = SearchSpace({name: {"type": "int", "min": 0, "max": 9} for name in names},
                        [f"{one} == {other}" for one, other in itertools.pairwise(names)])  # fmt: skip
    zero, nine = dict.fromkeys(names, 0), dict.fromkeys(names, 9)
    assert space.cross(zero, nine, random.Random(0)) in (zero, nine)


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ({"kind": "a", "depth": 1, "width": 8}, "point.norm: missing"),
        ({"kind": "a", "depth": 1.0, "width": 8, "norm": False}, r"point.depth: 1.0 is outside"),
        (
            {"kind": "a", "depth": 9, "width": 8, "norm": False, "groups": 1},
            "point.groups: not active here",
        ),
        ({"kind": "a", "dept": 1, "width": 8, "norm": False}, "point.dept: unknown parameter .did you mean 'depth'"),
        ({"kind": "a", "depth": 4, "width": 32, "norm": False}, r"constraints\[0\]: depth \* width <= 64 is not met"),
        ([1], "point: give a mapping"),
    ],
)
def test_a_point_outside_is_refused_by_the_path_of_its_fault(point, fault) -> None:
    space = SearchSpace(SMALL, TEXTS[:1])
    with pytest.raises(SpaceError, match=fault):
        space.check(point)
    assert not space.contains(point)


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ([1], "parameters: give a mapping"),
        ({3: CHOICE}, "3 is no name"),
        ({"p": 3}, "parameters.p: give a mapping"),
        ({"p": {"type": "integer"}}, "parameters.p.type: 'integer' is no kind of parameter"),
        ({"p": {"type": "int", "min": 1, "max": 2, "stepp": 1}}, "p.stepp: unknown key .did you mean 'step'"),
        ({"p": {"type": "int", "min": "x", "max": 2}}, "parameters.p.min: "),
        ({"p": {"type": "int", "min": 9, "max": 2}}, "parameters.p: min 9 is above max 2"),
        ({"p": {"type": "int", "min": 0, "max": 2**60}}, "parameters.p: .*2\\^53"),
        ({"p": {"type": "float", "min": 0, "max": float("nan")}}, "parameters.p: "),
        ({"p": {"type": "categorical", "values": []}}, "parameters.p.values: "),
        ({"p": {"type": "categorical", "values": ["a", "a"]}}, "parameters.p.values.1: 'a' stands there twice"),
        ({"p": {"type": "bool", "when": {"q": 1}}, "qq": CHOICE}, "parameters.p.when.q: .*did you mean 'qq'"),
        ({"p": {"type": "bool", "when": {"q": "z"}}, "q": CHOICE}, "parameters.p.when.q: 'z' is no value of 'q'"),
        ({"p": {"type": "bool", "when": {"q": []}}, "q": CHOICE}, "parameters.p.when.q: an empty list"),
        ({"p": {"type": "bool", "when": {"q": True}}, "q": {"type": "bool", "when": {"p": True}}}, "in a circle"),
        ({"p": {"type": "bool", "when": {"q": 0.5}}, "q": {"type": "float", "min": 0, "max": 1}}, "about a float"),
    ],
)  # fmt: skip
def test_faulty_parameters_are_refused_by_their_path(parameters, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        SearchSpace(parameters)


def test_a_space_survives_being_written_and_read() -> None:
    space = SearchSpace(SMALL, TEXTS, name="small")
    again = SearchSpace.from_dict(space.to_dict())
    assert again.to_dict() == space.to_dict()
    assert again.sample_many(20, 1) == space.sample_many(20, 1)


def test_functions_are_named_when_written_and_refused_when_read() -> None:
    document = SearchSpace(SMALL, [lambda x: True]).to_dict()
    assert document["opaque"][0].startswith("constraints[0]: ")
    with pytest.raises(SpaceError, match="write it as text"):
        SearchSpace.from_dict(document)
    with pytest.raises(SpaceError, match=r"parametres: unknown key .did you mean 'parameters'"):
        SearchSpace.from_dict({"parameters": {}, "parametres": {}})
    with pytest.raises(SpaceError, match="space: give"):
        SearchSpace.from_dict([])


def test_a_key_is_that_of_the_canonical_form() -> None:
    space = SearchSpace(
        {"a": CHOICE, "b": CHOICE}, canonical=lambda p: dict(zip("ab", sorted(p.values()), strict=True))
    )
    assert space.key({"a": "b", "b": "c"}) == space.key({"a": "c", "b": "b"}) != space.key({"a": "a", "b": "b"})
    real = SearchSpace({"f": {"type": "float", "min": 0, "max": 2}})
    assert real.key({"f": 1}) == real.key({"f": 1.0})


def test_a_point_means_what_build_makes_of_it() -> None:
    assert SearchSpace({"a": CHOICE}, build=lambda point: point["a"] * 3).architecture({"a": "b"}) == "bbb"
    assert SearchSpace({"a": CHOICE}).architecture({"a": "b"}) == {"a": "b"}


def test_the_empty_space_has_one_point() -> None:
    space = SearchSpace({})
    assert (space.size(), space.sample_many(2, 0), list(space.enumerate())) == (1, [{}, {}], [{}])
    with pytest.raises(SpaceError, match="no other point"):
        space.mutate({}, random.Random(0))
    with pytest.raises(SpaceError, match="-1 points"):
        space.sample_many(-1, 0)


def test_a_huge_unconstrained_integer_costs_nothing() -> None:
    space = SearchSpace({name: {"type": "int", "min": 0, "max": 10**12} for name in "pq"}, ["p < q"])
    assert space.size() is None
    assert all(point["p"] < point["q"] for point in space.sample_many(100, 0))
