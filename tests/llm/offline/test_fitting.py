"""Spaces fit what a network may cost."""

import pytest

from neuromosaic.core.brief import Contract
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.llm.offline.catalogue import CATALOGUE, family_named
from neuromosaic.llm.offline.costing import Cost, calls, flops, parameters
from neuromosaic.llm.offline.family import Family
from neuromosaic.llm.offline.fitting import MOST, Fit, fit, refit
from tests.llm.offline.contracts import CONTRACTS, DIGITS, HOUSES, LETTERS, MNIST, MOTION

LIMITS = {"digits": 20_000, "mnist": 50_000, "houses": 20_000, "motion": 30_000, "letters": 60_000}
CASES = [
    pytest.param(CONTRACTS[name], family, limit, id=f"{name}-{family.name}")
    for name, limit in LIMITS.items()
    for family in CATALOGUE
    if CONTRACTS[name].kind in family.kinds
    and (family.name != "MADE" or name == "houses")  # its outputs are thirty times the values of an example
]


def share_within(fitted: Fit, family: Family, contract: Contract, limit: float) -> float:
    draws = SearchSpace(fitted.space).sample_many(40, seed=1)
    return sum(parameters(family, contract, {**fitted.defaults, **point}) <= limit for point in draws) / len(draws)


@pytest.mark.parametrize(("contract", "family", "limit"), CASES)
def test_defaults_use_most_of_the_limit_and_most_points_keep_it(
    contract: Contract, family: Family, limit: int
) -> None:
    fitted = fit(family, contract, Cost(parameters=limit), Cost())
    assert 0.4 * limit <= parameters(family, contract, fitted.defaults) <= 0.9 * limit
    assert share_within(fitted, family, contract, limit) >= MOST - 0.15


@pytest.mark.parametrize("contract", [DIGITS, HOUSES, MOTION, LETTERS])
def test_an_impossible_limit_gets_the_smallest_network(contract: Contract) -> None:
    for family in CATALOGUE:
        if contract.kind in family.kinds:
            fitted = fit(family, contract, Cost(parameters=0), Cost())
            assert fitted.defaults["width"] == family.width.least
            assert fitted.defaults["depth"] == family.depth.least
            assert all(parameter.contains(fitted.defaults[name]) for name, parameter in fitted.space.items())


def test_a_limit_on_flops_narrows_too() -> None:
    family = family_named("MobileNet")
    assert family is not None
    free, bound = (fit(family, MNIST, Cost(flops=limit), Cost(parameters=50_000)) for limit in (1e9, 1e6))
    assert flops(family, MNIST, bound.defaults) <= 1e6 < flops(family, MNIST, free.defaults)


def test_a_limit_on_layers_makes_it_shallower() -> None:
    family = family_named("MobileNet")
    assert family is not None
    bound = fit(family, MNIST, Cost(calls=45), Cost(parameters=50_000))
    assert calls(family, MNIST, bound.defaults) <= 45
    assert bound.defaults["depth"] == 1


def test_a_recurrent_layer_counts_once_for_each_step() -> None:
    family = family_named("GRU")
    assert family is not None
    fitted = fit(family, MOTION, Cost(parameters=10_000), Cost())
    assert calls(family, MOTION, fitted.defaults) > int(fitted.defaults["depth"]) * MOTION.input.shape[0]


def test_a_variant_is_deeper_and_narrower() -> None:
    family = family_named("ResNet")
    assert family is not None
    usual, deeper = (fit(family, MNIST, Cost(parameters=100_000), Cost(), variant) for variant in (0, 1))
    assert deeper.defaults["depth"] > usual.defaults["depth"]
    assert deeper.defaults["width"] < usual.defaults["width"]


def test_a_refit_stays_around_the_best_point_and_tries_something_new() -> None:
    family = family_named("small CNN")
    assert family is not None
    best = {"width": 12, "depth": 2, "activation": "silu", "dropout": 0.2, "separable": True, "unknown": 3}
    near, far = (refit(family, DIGITS, best, Cost(parameters=20_000), bold=bold) for bold in (False, True))
    assert {name: near.defaults[name] for name in ("width", "depth", "activation")} == {
        "width": 12, "depth": 2, "activation": "silu"
    }  # fmt: skip
    assert "unknown" not in near.defaults
    assert {"squeeze_excite", "stages"} <= set(near.space)
    assert near.space["width"].min >= 8  # type: ignore[union-attr]
    assert far.space["width"].min < near.space["width"].min  # type: ignore[union-attr]
    assert near.space["dropout"].min > far.space["dropout"].min  # type: ignore[union-attr]
    assert all(parameter.contains(near.defaults[name]) for name, parameter in near.space.items())
    assert share_within(near, family, DIGITS, 20_000) >= MOST - 0.15


def test_limits_combine() -> None:
    assert Cost(parameters=5, flops=9).capped(Cost(parameters=7, flops=3)) == Cost(parameters=5, flops=3)
    assert Cost(1, 2, 3).times(2) == Cost(2, 4, 6)
    assert not Cost(calls=2).within(Cost(calls=1))
