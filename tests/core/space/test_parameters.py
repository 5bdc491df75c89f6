"""Values that are drawn, mutated or crossed stay inside their space."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.space.parameters import Space, cross_points, mutate_point, parse_space

ints = st.builds(
    lambda low, span, step, log: {"type": "int", "min": low, "max": low + span, "step": step, "log": log},
    st.integers(1, 50), st.integers(0, 300), st.integers(1, 9), st.booleans(),
)  # fmt: skip
floats = st.builds(
    lambda low, span, log: {"type": "float", "min": low, "max": low + span, "log": log},
    st.floats(1e-6, 10), st.floats(0, 100), st.booleans(),
)  # fmt: skip
choices = st.builds(
    lambda values: {"type": "categorical", "values": values},
    st.lists(st.one_of(st.text(max_size=3), st.integers(2, 9)), min_size=1, max_size=5, unique=True),
)
spaces = st.dictionaries(
    st.sampled_from("abcdefgh"), st.one_of(ints, floats, choices, st.just({"type": "bool"})), min_size=1
)


def sample_point(space: Space, draw: random.Random):
    return {name: parameter.sample(draw) for name, parameter in space.items()}


@given(spaces, st.integers())
def test_every_draw_mutation_and_crossing_is_in_the_space(document, seed) -> None:
    space, draw = parse_space(document), random.Random(seed)
    one, other = sample_point(space, draw), sample_point(space, draw)
    for point in (one, other, mutate_point(space, one, draw), cross_points(space, one, other, draw)):
        assert set(point) == set(space)
        assert all(space[name].contains(value) for name, value in point.items())


@pytest.mark.parametrize("parameter", [{"type": "int", "min": 1, "max": 9}, {"type": "bool"}])
def test_a_mutation_of_a_discrete_parameter_always_moves_it(parameter) -> None:
    space = parse_space({"p": parameter})
    draw = random.Random(0)
    point = sample_point(space, draw)
    for _ in range(50):
        moved = mutate_point(space, point, draw)
        assert moved != point
        point = moved


def test_a_parameter_with_one_value_stays() -> None:
    space = parse_space({"p": {"type": "int", "min": 3, "max": 3}, "q": {"type": "categorical", "values": ["x"]}})
    assert mutate_point(space, {"p": 3, "q": "x"}, random.Random(0)) == {"p": 3, "q": "x"}
    assert mutate_point({}, {}, random.Random(0)) == {}


def test_both_ends_of_a_range_are_drawn() -> None:
    space = parse_space({"p": {"type": "int", "min": 8, "max": 32, "step": 8, "log": True}})
    drawn = {sample_point(space, random.Random(seed))["p"] for seed in range(200)}
    assert drawn == {8, 16, 24, 32}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"p": {"type": "int", "min": 9, "max": 1}}, "p.int: .*min 9 is above max 1"),
        ({"p": {"type": "float", "min": 0, "max": 1, "log": True}}, "log scale needs min above 0"),
        ({"p": {"type": "colour"}}, "p: .*colour"),
        ({"p": {"type": "int", "min": 1, "max": 2, "stepp": 1}}, "p.int.stepp"),
        ([1], "space: "),
    ],
)
def test_a_faulty_space_is_refused_with_the_path_of_the_fault(document, fault) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_space(document)


@pytest.mark.parametrize(
    ("parameter", "inside", "outside"),
    [
        ({"type": "int", "min": 2, "max": 8, "step": 2}, [2, 4, 8], [3, 10, True, 2.0, "2"]),
        ({"type": "float", "min": 0, "max": 1}, [0, 0.5, 1], [1.1, True, "0.5"]),
        ({"type": "categorical", "values": [1, "a"]}, [1, "a"], [True, 1.0, "b"]),
        ({"type": "bool"}, [True, False], [1, "x"]),
    ],
)
def test_contains_is_strict_about_values_and_types(parameter, inside, outside) -> None:
    known = parse_space({"p": parameter})["p"]
    assert all(known.contains(value) for value in inside)
    assert not any(known.contains(value) for value in outside)
