"""A point survives its vector, and every vector means a valid point."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.encoders import PointEncoder
from neuromosaic.core.space.space import SearchSpace

PARAMETERS = {
    "kind": {"type": "categorical", "values": ["conv", "mlp", 3]},
    "depth": {"type": "int", "min": 1, "max": 20},
    "width": {"type": "int", "min": 8, "max": 512, "step": 8, "log": True},
    "rate": {"type": "float", "min": 1e-5, "max": 0.1, "log": True},
    "shift": {"type": "float", "min": -1, "max": 1},
    "norm": {"type": "bool"},
    "groups": {"type": "ordinal", "values": [1, 2, 4, 8], "when": {"norm": True}},
    "kernel": {"type": "categorical", "values": [3, 5], "when": {"kind": "conv", "groups": [1, 2]}},
    "fixed": {"type": "int", "min": 4, "max": 4},
    "only": {"type": "float", "min": 0.3, "max": 0.3},
}
SPACE = SearchSpace(PARAMETERS)
BOUND = SearchSpace(PARAMETERS, ["depth * width <= 600", "groups <= depth", lambda p: p["shift"] > p["rate"] - 0.5])


@pytest.mark.parametrize("space", [SPACE, BOUND], ids=["free", "bound"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_decoding_undoes_encoding(space, seed) -> None:
    encoder, draw = PointEncoder(space), random.Random(seed)
    points = space.sample_many(20, seed)
    points += [space.mutate(point, draw) for point in points]
    points += list(space.neighbours(points[0]))
    vectors = encoder.encode_many(points)
    assert vectors.dtype == np.float64
    assert ((vectors >= 0) & (vectors <= 1)).all()
    assert encoder.decode_many(vectors) == points
    assert [type(v) for p in encoder.decode_many(vectors) for v in p.values()] == [
        type(v) for p in points for v in p.values()
    ]
    assert encoder.decode(encoder.encode(points[0])) == points[0]


@given(st.floats(1e-5, 0.1).map(lambda rate: float(f"{rate:.10g}")), st.decimals(-1, 1, places=8).map(float))
def test_numbers_written_by_hand_survive_to_the_last_digit(rate, shift) -> None:
    space = SearchSpace({"rate": PARAMETERS["rate"], "shift": PARAMETERS["shift"]})
    encoder, point = PointEncoder(space), {"rate": min(max(rate, 1e-5), 0.1), "shift": shift}
    assert encoder.decode(encoder.encode(point)) == point


@pytest.mark.no_cover
@given(st.lists(st.floats(-3, 3), min_size=13, max_size=13))
@settings(max_examples=60, deadline=None)
def test_any_vector_means_a_valid_point(vector) -> None:
    encoder = PointEncoder(BOUND)
    point = encoder.decode(vector)
    BOUND.check(point)
    assert encoder.decode(encoder.encode(point)) == point


def test_the_point_that_meets_the_constraints_is_a_near_one() -> None:
    space = SearchSpace(
        {"a": {"type": "int", "min": 0, "max": 99}, "b": {"type": "int", "min": 0, "max": 99}}, ["a + b <= 60"]
    )
    encoder = PointEncoder(space)
    assert encoder.decode(encoder.encode({"a": 30, "b": 33})) in ({"a": 27, "b": 33}, {"a": 30, "b": 30})
    far = encoder.decode([1.0, 1.0])
    assert far["a"] + far["b"] > 50


def test_where_no_single_change_helps_several_are_made() -> None:
    names = [f"p{number}" for number in range(5)]
    space = SearchSpace(
        {name: {"type": "int", "min": 0, "max": 31} for name in names}, ["p0 + p1 + p2 + p3 + p4 <= 20"]
    )
    point = PointEncoder(space).decode(np.full(5, 1.0))
    space.check(point)


def test_a_vector_far_from_all_rare_points_is_an_error() -> None:
    thousand = {"type": "int", "min": 0, "max": 999}
    space = SearchSpace({f"p{number}": thousand for number in range(6)}, [lambda p: sum(p.values()) == 1])
    with pytest.raises(SpaceError, match="too rare"):
        PointEncoder(space).decode(np.full(6, 0.7))


def test_a_small_move_of_the_vector_is_a_small_move_of_the_point() -> None:
    encoder = PointEncoder(SPACE)
    for number, point in enumerate(SPACE.sample_many(50, 1)):
        moved = encoder.encode(point) + np.random.default_rng(number).uniform(-0.02, 0.02, encoder.dimension)
        near = encoder.decode(moved)
        assert near["kind"] == point["kind"]
        assert near["norm"] == point["norm"]
        assert abs(near["depth"] - point["depth"]) <= 1
        assert abs(near["shift"] - point["shift"]) <= 0.041
        assert 0.8 < near["rate"] / point["rate"] < 1.25


def test_an_inactive_parameter_has_its_place() -> None:
    point = {
        "kind": "mlp",
        "depth": 1,
        "width": 8,
        "rate": 1e-5,
        "shift": -1.0,
        "norm": False,
        "fixed": 4,
        "only": 0.3,
    }
    assert PointEncoder(SPACE).encode(point).tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("vector", "fault"),
    [
        ([float("nan")] * 13, r"vector\[0\] is NaN"),
        ([0.5] * 12, r"its shape is \[12\], where \[13\] is needed"),
        (["x"] * 13, "give 13 numbers, not list"),
        ([[0.5] * 13], r"its shape is \[1, 13\]"),
    ],
)
def test_a_faulty_vector_is_refused(vector, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        PointEncoder(SPACE).decode(vector)


@pytest.mark.parametrize(
    ("change", "fault"),
    [({"kind": "cnov"}, "point.kind: .cnov. is outside"),
     ({"depth": 99}, "point.depth"), ({"depth": 2.0}, "point.depth"),
     ({"shift": "a"}, "point.shift"), ({"norm": 1}, "point.norm")],
)  # fmt: skip
def test_a_point_outside_is_refused(change, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        PointEncoder(SPACE).encode({**SPACE.sample(random.Random(0)), **change})


def test_numbers_too_large_for_a_vector_are_refused() -> None:
    with pytest.raises(SpaceError, match="p: whole numbers beyond"):
        PointEncoder(SearchSpace({"p": {"type": "int", "min": 0, "max": 2**50}}))
