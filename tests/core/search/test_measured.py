"""Figures that are known of points before anything is trained are features of a surrogate."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from neuromosaic.architectures import ready_space
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.search.kernel import Kernel
from neuromosaic.core.search.measured import DRAWS, Measured
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.bayesian import SHORTLIST, BayesianSearch
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

PARAMETERS = {f"part{n}": {"type": "categorical", "values": list("abcdefgh")} for n in range(8)}
SIZES = {name: dict(zip("abcdefgh", np.random.default_rng(0).permutation(8), strict=True)) for name in PARAMETERS}


def size(point: Point) -> float:
    return float(sum(SIZES[name][str(value)] for name, value in point.items()))


def worth(point: Point) -> float:
    return -abs(size(point) - 28)


def measured_by(function: Any) -> SearchSpace:
    return SearchSpace(PARAMETERS, measures=function)


def sizes(points: Sequence[Point]) -> list[Mapping[str, float]]:
    return [{"size": size(point)} for point in points]


def found(space: SearchSpace, seed: int, trials: int = 18) -> list[Point]:
    strategy, points = BayesianSearch(seed, Objectives("worth")), []
    for number in range(trials):
        points.append(strategy.suggest(space, number))
        strategy.update(points[-1], {"worth": worth(points[-1])})
    return points


def test_a_figure_that_tells_the_worth_spares_trials() -> None:
    def reached(space: SearchSpace) -> float:
        return float(np.mean([[worth(point) for point in found(space, seed, 18)[12:]] for seed in range(4)]))

    assert reached(measured_by(sizes)) > 0.7 * reached(SearchSpace(PARAMETERS))  # 0 at best


def test_one_seed_is_one_result_with_figures_too() -> None:
    assert found(measured_by(sizes), 1, 14) == found(measured_by(sizes), 1, 14)


def test_few_points_are_measured_and_none_twice() -> None:
    asked: list[str] = []

    def counting(points: Sequence[Point]) -> list[Mapping[str, float]]:
        asked.extend(map(repr, points))
        return sizes(points)

    found(measured_by(counting), 0, 14)  # the last two by the process
    assert len(asked) <= DRAWS + 14 + 2 * SHORTLIST
    assert len(set(asked)) == len(asked)


def test_figures_lie_between_the_least_and_the_most_of_even_draws() -> None:
    space = measured_by(sizes)
    drawn = space.sample_many(DRAWS, 0)
    rows = Measured(space).of(drawn)
    assert (rows.min(), rows.max()) == (0, 1)
    assert np.array_equal(
        np.argsort(rows[:, 0], kind="stable"), np.argsort([size(one) for one in drawn], kind="stable")
    )


def test_what_is_not_known_of_a_point_is_absent_there() -> None:
    def halves(points: Sequence[Point]) -> list[Mapping[str, float]]:
        return [{"size": size(one), "other": math.nan} if one["part0"] in "abcd" else {} for one in points]

    space = measured_by(halves)
    measured = Measured(space)
    points = space.sample_many(20, 1)
    known = np.array([point["part0"] in "abcd" for point in points])
    assert measured.count == 1  # nothing is known of the other
    assert np.array_equal(~np.isnan(measured.of(points))[:, 0], known)
    coded = Kernel(space.parameters, measured=measured).code(points)
    assert np.array_equal(coded.present[:, -1], known)
    assert np.isfinite(coded.numbers).all()


def test_figures_that_are_all_alike_are_no_features() -> None:
    assert Measured(measured_by(lambda points: [{"size": 3.0} for _ in points])).count == 0
    assert len(found(measured_by(lambda points: [{} for _ in points]), 0, 14)) == 14


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda points: [{"size": 1.0}], "measures: 32 points were given, and 1 came back"),
        (lambda points: [{"size": "large"} for _ in points], "measures: ValueError: could not convert"),
        (lambda points: 1 / 0, "measures: ZeroDivisionError: division by zero"),
    ],
)
def test_measures_that_cannot_be_taken_are_named(function: Any, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        Measured(measured_by(function))


def test_spaces_of_specs_measure_their_sizes() -> None:
    space = ready_space("mlp", (8,), 3, max_parameters=5000)
    point = space.sample_many(1, 0)[0]
    inferred = space.architecture(point).infer()
    assert space.measures is not None
    assert space.measures([point]) == [
        {"parameters": math.log1p(inferred.parameters), "flops": math.log1p(inferred.flops)}
    ]


def test_a_joined_space_is_measured_by_its_own_part() -> None:
    joined = measured_by(sizes).joined({"rate": {"type": "float", "min": 0, "max": 1}}, dict, dict)
    point = joined.sample_many(1, 0)[0]
    assert joined.measures is not None
    assert joined.measures([point]) == [{"size": size({n: v for n, v in point.items() if n != "rate"})}]
