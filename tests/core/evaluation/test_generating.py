"""What a judge measures of flows and diffusions: known densities get their likelihood, and cheats get nothing."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, UsageError
from neuromosaic.core.evaluation.densities import fit_baseline
from neuromosaic.core.evaluation.generating import answers
from neuromosaic.core.evaluation.generation import (
    BLUR,
    MOST,
    blurred,
    measured,
    noise_for,
    reported_shape,
)
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import check_measurable, measurable, score
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.tasks import METRICS_OF

SPEC = TensorSpec(shape=(3,))
FLOW = Contract(task="generation", input=SPEC, output=SPEC, kind="tabular", latent=3, generative="flow")
DIFFUSION = FLOW.model_copy(update={"latent": None, "generative": "diffusion"})
X = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32)
ENTROPY = 0.5 * math.log(2 * math.pi * math.e)


class Affine(nn.Module):
    """Codes are the values times `factor`."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def encode(self, x: Tensor) -> Tensor:
        return self.factor * x

    def decode(self, codes: Tensor) -> Tensor:
        return codes / self.factor


class Folding(Affine):
    """Runs up and down within every thousandth, so that its slope is huge and its codes stay near 0."""

    def __init__(self, teeth: float, slope: float) -> None:
        super().__init__()
        self.teeth, self.slope = teeth, slope

    def encode(self, x: Tensor) -> Tensor:
        within = torch.remainder(x.double(), self.teeth) / self.teeth
        return (x + self.slope * self.teeth * (0.5 - (within - 0.5).abs())).float()

    def decode(self, codes: Tensor) -> Tensor:
        return codes


class Many(Affine):
    """Every example gets the likeliest code of all, from a steep slope: nothing comes back of it."""

    def encode(self, x: Tensor) -> Tensor:
        return torch.sin(1000.0 * x)


class Wiener(nn.Module):
    """The best that can be said of what lies behind noise, where the data are normal with this variance."""

    def __init__(self, variance: float = 1.0) -> None:
        super().__init__()
        self.variance = variance

    def denoise(self, noisy: Tensor, level: Tensor) -> Tensor:
        share = level[:, None]
        return (1 - share).sqrt() * self.variance * noisy / ((1 - share) * self.variance + share)


def nats(module: Any, contract: Contract, x: Any = X) -> float:
    found = scored(module, contract, x)
    return found["negative_log_likelihood"]


def scored(module: Any, contract: Contract, x: Any = X) -> dict[str, float]:
    assert contract.generative is not None
    outputs = outputs_of(module, contract, x)
    return score("generation", outputs, x, METRICS_OF[contract.generative])


def outputs_of(module: Any, contract: Contract, x: Any) -> Any:
    assert contract.generative is not None
    noise = torch.from_numpy(noise_for(contract, len(x))["noise"])
    outputs = answers(module, contract.generative, torch.from_numpy(x), noise, 256)
    assert outputs.shape == (len(x), *reported_shape(contract))
    return outputs.numpy()


def normal(x: Any, factor: float) -> float:
    """Nats for each value of the examples in noise, where their codes are `factor` times them."""
    codes = factor * blurred(FLOW, x)
    return float((0.5 * codes**2 + 0.5 * math.log(2 * math.pi)).mean() - math.log(factor))


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.2])
def test_a_flow_has_the_likelihood_of_its_codes_and_volume(factor: float) -> None:
    assert nats(Affine(factor), FLOW) == pytest.approx(normal(X, factor), abs=5e-3)


@pytest.mark.parametrize("cheat", [Many(), Folding(1e-4, 1e4), Folding(1e-5, 1e6), Folding(0.1, 1e3)])
def test_folds_do_not_pass_for_volume(cheat: nn.Module) -> None:
    assert nats(cheat, FLOW) > normal(X, 1.0) - 0.06


def test_what_does_not_come_back_is_as_unlikely_as_a_broad_normal_in_a_thousand() -> None:
    near = blurred(FLOW, X).astype(np.float64)
    broad = (0.5 * (near / 3) ** 2 + 0.5 * math.log(2 * math.pi * 9)).sum(1) + math.log(1000)
    assert nats(Many(), FLOW) == pytest.approx(broad.mean() / 3, abs=1e-3)


def test_draws_of_a_flow_are_the_codes_that_the_host_drew() -> None:
    outputs = outputs_of(Affine(2.0), FLOW, X)
    assert np.allclose(outputs[:, 1], noise_for(FLOW, len(X))["noise"][:, 0] / 2)
    assert np.allclose(outputs[:, 0], X + BLUR * noise_for(FLOW, len(X))["noise"][:, 1], atol=1e-6)


def test_the_bound_of_the_best_denoiser_is_close_to_the_entropy() -> None:
    x = np.random.default_rng(1).standard_normal((MOST, 3)).astype(np.float32)
    best = nats(Wiener(1 + BLUR**2), DIFFUSION, x)
    truth = normal(x, 1.0)
    assert truth - 0.02 < best < truth + 0.03
    assert nats(Wiener(0.5), DIFFUSION, x) > best + 0.02


def test_a_diffusion_draws_what_it_was_told_of() -> None:
    draws = outputs_of(Wiener(0.25), DIFFUSION, X)[:, 1]
    assert draws.std() == pytest.approx(0.5, abs=0.04)
    assert scored(Wiener(1.0), DIFFUSION)["energy_distance"] < scored(Wiener(0.25), DIFFUSION)["energy_distance"]


def test_examples_are_denoised_one_level_at_a_time() -> None:
    """A network that compared the levels of a batch could see an example in less noise."""

    class Watching(Wiener):
        def denoise(self, noisy: Tensor, level: Tensor) -> Tensor:
            assert (level == level[0]).all()
            return super().denoise(noisy, level)

    assert nats(Watching(), DIFFUSION) < 2.0


@pytest.mark.parametrize(
    ("module", "contract", "fault"),
    [
        (nn.Identity(), FLOW, "decode"),
        (type("Wide", (Affine,), {"encode": lambda self, x: x.repeat(1, 2)})(), FLOW, "encode gives"),
        (type("Flat", (Wiener,), {"denoise": lambda self, x, level: x[:, :1]})(), DIFFUSION, "denoise gives"),
    ],
)
def test_other_shapes_are_refused(module: Any, contract: Contract, fault: str) -> None:
    with pytest.raises((CandidateError, AttributeError), match=fault):
        outputs_of(module, contract, X[:5])


def test_only_the_first_of_many_are_measured() -> None:
    assert measured(10, 3) == 10
    assert measured(10**6, 64) == 256
    assert measured(10**6, 4000) == 32
    many = np.concatenate([X] * 4)
    assert np.isfinite(list(scored(Affine(), FLOW, many).values())).all()


# ---------------------------------------------------------------- baselines


@pytest.mark.parametrize("contract", [FLOW, DIFFUSION])
def test_a_gaussian_gets_the_likelihood_of_normal_data(contract: Contract) -> None:
    x = X @ np.array([[2, 0, 0], [1, 1, 0], [0, 0, 0.3]], np.float32)
    train, held = x[:300], x[300:]
    found = {
        name: score("generation", predict(held), held, METRICS_OF[contract.generative or "flow"])
        for name, predict in fit_baseline(contract, train, 0).items()
    }
    entropy = ENTROPY + 0.5 * math.log(2 * 1 * 0.3) * 2 / 3
    assert found["gaussian"]["negative_log_likelihood"] == pytest.approx(entropy, abs=0.2)
    assert found["kernel_density"]["negative_log_likelihood"] > found["gaussian"]["negative_log_likelihood"]
    assert found["gaussian"]["loss"] == found["gaussian"]["negative_log_likelihood"]
    assert "pca" not in found


@pytest.mark.parametrize("name", ["negative_log_likelihood", "energy_distance"])
def test_intervals_hold_the_metric(name: str) -> None:
    outputs = outputs_of(Affine(), FLOW, X)
    low, high = interval("generation", name, outputs, X)
    assert low < score("generation", outputs, X, [name])[name] < high


def test_a_metric_of_another_kind_is_refused() -> None:
    assert measurable(FLOW) == METRICS_OF["flow"]
    check_measurable(DIFFUSION, ["loss", "negative_log_likelihood"])
    with pytest.raises(UsageError, match="'reconstruction_rmse' is no metric of a flow: there are negative_log"):
        check_measurable(FLOW, ["reconstruction_rmse"])


def test_an_autoencoder_has_no_likelihood() -> None:
    outputs = np.zeros((5, 2, 3), np.float32)
    assert math.isnan(score("generation", outputs, X[:5], ["negative_log_likelihood"])["negative_log_likelihood"])


def test_a_method_of_two_inputs_is_hashed_and_checked_like_any_trace() -> None:
    class Denoiser(nn.Module):
        def __init__(self, power: float) -> None:
            super().__init__()
            self.power, self.layer = power, nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)

        def denoise(self, noisy: Tensor, level: Tensor) -> Tensor:
            return self.layer(noisy) * level[:, None] ** self.power

    x = torch.zeros(2, 3)
    one, same, other = (
        export_module(Denoiser(power), (x,), methods={"denoise": (x, torch.full((2,), 0.5))}) for power in (1, 1, 2)
    )
    assert graph_id(one) == graph_id(same) != graph_id(other)
    one.document["denoise"]["nodes"][0]["args"] = [{"input": 2}]
    with pytest.raises(CandidateError, match="reads input"):
        rebuild(one)
