"""What graph networks say of networks that were never measured, and how sure they are."""

import random

import numpy as np
import pytest

from neuromosaic.core.evaluation.graph_network import MEMBERS, GraphNetworks
from neuromosaic.core.evaluation.signals import GRAPH_NETWORK, SignalEnsemble, spearman
from neuromosaic.core.evaluation.wiring import Operation, structure


def drawn(number: int) -> list[Operation]:
    """A chain of layers with some links past one of them."""
    draw = random.Random(number)
    found = [Operation("input", (0.0, 0.0, 0.0, 4.0), ())]
    for _ in range(draw.randint(3, 12)):
        kind = draw.choice(("conv2d", "relu", "avg_pool2d"))
        weights = draw.uniform(3, 9) if kind == "conv2d" else 0.0
        sources = {len(found) - 1, draw.randrange(len(found))}
        found.append(Operation(kind, (weights, 3.0 if weights else 0.0, 4.0, 6.0), tuple(sources)))
    return found


NETWORKS = [drawn(number) for number in range(90)]
TRUTH = np.array([structure(one).get("longest path", 0.0) for one in NETWORKS])


@pytest.fixture(scope="module")
def fitted() -> GraphNetworks:
    return GraphNetworks(NETWORKS[:45], TRUTH[:45])


def test_what_paths_tell_is_learnt_and_the_deviation_is_honest(fitted: GraphNetworks) -> None:
    mean, deviation = fitted.predict(NETWORKS[45:])
    assert spearman(mean.tolist(), TRUTH[45:].tolist()) > 0.75
    assert 0.8 <= np.mean(np.abs(mean - TRUTH[45:]) <= 2 * deviation) <= 1


def test_what_it_says_of_its_trials_is_by_members_that_were_kept_from_them(fitted: GraphNetworks) -> None:
    missed = np.mean((fitted.unseen - TRUTH[:45]) ** 2)
    seen = np.mean((fitted.predict(NETWORKS[:45])[0] - TRUTH[:45]) ** 2)
    assert seen < missed < TRUTH.var()


def test_it_is_a_signal_that_proves_itself_on_trials_that_it_had_not_seen() -> None:
    luck = np.random.default_rng(0).normal(size=90)
    signals = [{"luck": float(one)} for one in luck]
    ensemble = SignalEnsemble(signals[:45], TRUTH[:45].tolist(), networks=NETWORKS[:45])
    assert ensemble.used == [GRAPH_NETWORK]
    assert ensemble.worth[GRAPH_NETWORK].correlation < 0.99  # not of what it was fitted to
    told = ensemble.predict(signals[45:], NETWORKS[45:]).mean.tolist()
    assert spearman(told, TRUTH[45:].tolist()) > 0.75


def test_the_same_trials_give_the_same_networks_and_leave_the_generator_alone() -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, other = (GraphNetworks(NETWORKS[:12], TRUTH[:12]) for _ in range(2))
    assert torch.rand(1) == expected
    assert one.predict(NETWORKS[12:20])[0].tolist() == other.predict(NETWORKS[12:20])[0].tolist()


def test_kinds_never_seen_and_equal_trials_are_no_fault() -> None:
    alike = GraphNetworks(NETWORKS[: MEMBERS + 2], np.ones(MEMBERS + 2))
    mean, deviation = alike.predict([[Operation("input", (0.0,) * 4, ()), Operation("fold", (1.0,) * 4, (0,))]])
    assert np.isfinite([mean[0], deviation[0]]).all()
