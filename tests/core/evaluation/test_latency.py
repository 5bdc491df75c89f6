"""Latency from a spec: prices of work, found from few samples."""

import numpy as np
import pytest

from neuromosaic.architectures import ready_space
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.latency import LatencyPredictor
from neuromosaic.core.evaluation.signals import spearman

SPACE = ready_space("resnet", (3, 16, 16), 10, stages=3)
SPECS = [SPACE.architecture(point) for point in SPACE.sample_many(60, seed=0)]


def machine(noise: float) -> list[float]:
    """A device that needs 0.2 ms, 50 us a layer and a millisecond per 20 MFLOP, give or take."""
    draw = np.random.default_rng(0)
    exact = [0.2 + 0.05 * len(spec.layers) + spec.infer().flops / 2e7 for spec in SPECS]
    return [time * float(np.exp(noise * draw.normal())) for time in exact]


def test_ten_samples_rank_what_was_never_measured() -> None:
    times = machine(0.1)
    found = LatencyPredictor(SPECS[:10], times[:10]).predict(SPECS[10:])
    assert spearman(found.mean.tolist(), times[10:]) > 0.9
    assert 0.8 <= np.mean(np.abs(found.mean - times[10:]) <= 2 * found.deviation) <= 1


def test_an_exact_law_is_found() -> None:
    times = machine(0.0)
    found = LatencyPredictor(SPECS[:12], times[:12]).predict(SPECS[12:])
    assert found.mean == pytest.approx(times[12:], rel=0.02)


def test_what_is_larger_in_every_respect_is_not_faster() -> None:
    predictor = LatencyPredictor(SPECS[:8], machine(0.5)[:8])
    small, large = (
        SPACE.architecture({"width": width, "layers": 1, "layer1_blocks": blocks, "dropout": 0.0})
        for width, blocks in ((8, 1), (64, 3))
    )
    found = predictor.predict([small, large]).mean
    assert 0 < found[0] <= found[1]


@pytest.mark.parametrize("times", [[1.0] * 3, [1.0] * 9 + [0.0], [1.0] * 9 + [float("nan")], [1.0] * 9])
def test_too_few_or_impossible_samples_are_refused(times: list[float]) -> None:
    with pytest.raises(UsageError, match="takes 5 networks or more"):
        LatencyPredictor(SPECS[: 3 if len(times) == 3 else 10], times)
