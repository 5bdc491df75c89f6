"""What a judge measures of autoregressive networks: known densities get theirs, and who looks ahead is named."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.autoregression import (
    MOST_COMPONENTS,
    drawn,
    in_order,
    index_of,
    mixture,
    out_of_order,
    peek_anywhere,
)
from neuromosaic.core.evaluation.generating import answers
from neuromosaic.core.evaluation.generation import BLUR, blurred, measured, noise_for
from neuromosaic.core.evaluation.generation import draws_of as made_draws
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.tasks import METRICS_OF

SPEC = TensorSpec(shape=(3,))
ROWS = Contract(task="generation", input=SPEC, output=SPEC, kind="tabular", generative="autoregressive")
X = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32)
X[:, 1] = 0.8 * X[:, 0] + 0.6 * X[:, 1]  # the second follows the first
ENTROPY = 0.5 * math.log(2 * math.pi * math.e)


class Normals(nn.Module):
    """The second value follows the first, whatever the others; `width` of what is left to guess."""

    def __init__(self, share: float = 0.8, width: float = 1.0) -> None:
        super().__init__()
        self.share, self.width = share, width

    def conditionals(self, x: Tensor) -> Tensor:
        means = torch.zeros_like(x)
        means[:, 1] = self.share * x[:, 0]
        widths = torch.full_like(x, math.log(self.width))
        widths[:, 1] = math.log(0.6 * self.width)
        return torch.stack([torch.zeros_like(x), means, widths], 1).unsqueeze(2).repeat(1, 1, 2, *[1] * (x.ndim - 1))


class Peeking(Normals):
    """Knows the last value as well as it may be known, for `some` examples."""

    def __init__(self, some: float = 9.0) -> None:
        super().__init__()
        self.some = some

    def conditionals(self, x: Tensor) -> Tensor:
        made = super().conditionals(x)
        known = (x[:, 2] < self.some)[:, None]
        made[:, 1, :, 2] = torch.where(known, x[:, 2:], made[:, 1, :, 2])
        made[:, 2, :, 2] = torch.where(known, -9.0, made[:, 2, :, 2])
        return made


class Infinite(Normals):
    """Tells by infinities which of two components it is, having seen which."""

    def conditionals(self, x: Tensor) -> Tensor:
        made = super().conditionals(x)
        made[:, 1, 0], made[:, 1, 1] = 1.0, -1.0
        seen = torch.stack([torch.where(x > 0, 0.0, -math.inf), torch.where(x > 0, -math.inf, 0.0)], 1)
        made[:, 0] = seen
        return made


def outputs_of(module: Any, x: Any = X, draws: bool = True) -> Any:
    noise = torch.from_numpy(noise_for(ROWS, len(x), draws)["noise"])
    return answers(module, "autoregressive", torch.from_numpy(x), noise, 256).numpy()


def scored(module: Any, x: Any = X, draws: bool = True) -> dict[str, float]:
    return score("generation", outputs_of(module, x, draws), x, METRICS_OF["autoregressive"])


def test_the_likelihood_is_the_product_of_what_is_said_of_each_value() -> None:
    near = blurred(ROWS, X)
    expected = (near - np.stack([0 * near[:, 0], 0.8 * near[:, 0], 0 * near[:, 0]], 1)) / [1, 0.6, 1]
    nats = (0.5 * expected**2 + 0.5 * math.log(2 * math.pi)).mean() + math.log(0.6) / 3
    assert scored(Normals())["negative_log_likelihood"] == pytest.approx(nats, abs=1e-5)
    assert scored(Normals(share=0.0))["negative_log_likelihood"] > nats + 0.1


def test_widths_below_the_noise_count_as_the_noise() -> None:
    narrow, narrower = (scored(Normals(width=width))["negative_log_likelihood"] for width in (BLUR, BLUR / 100))
    floor = mixture(torch.full((1, 3, 1, 1), -50.0)).widths
    assert floor == BLUR
    assert math.isfinite(narrower)
    assert narrower <= narrow + 0.5 * math.log(10) * 1e3


def test_what_is_infinite_or_no_number_has_no_likelihood() -> None:
    broken = type("Broken", (Normals,), {"conditionals": lambda self, x: torch.full((len(x), 3, 1, 3), math.nan)})()
    assert math.isnan(scored(broken)["negative_log_likelihood"])


@pytest.mark.parametrize("cheat", [Peeking(), Peeking(0.0), Infinite()])
def test_who_looks_ahead_is_refused_and_the_value_named(cheat: nn.Module) -> None:
    with pytest.raises(CandidateError, match=r"conditionals of the value at \[[02]\] change with") as caught:
        scored(cheat, draws=False)
    assert caught.value.code == "not-causal"


def test_the_first_value_that_is_told_of_a_later_one_is_named() -> None:
    found = peek_anywhere(Peeking(), torch.zeros(1, 3))
    assert found is not None
    assert (found.at, found.seen) == ((2,), (2,))
    assert peek_anywhere(Normals(), torch.zeros(1, 3)) is None


class Blurring(nn.Module):
    """A convolution that sees all around."""

    def conditionals(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(x, 3, 1, 1)[:, None, None].repeat(1, 3, 1, 1, 1, 1)


def test_of_an_image_the_pixel_and_its_channel_are_named() -> None:
    x = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    found = peek_anywhere(Blurring(), x)
    assert found is not None
    assert found.at == (0, 0, 0)
    assert found.seen == (0, 1, 1)  # the last pixel of the first channel that is averaged into it
    assert str(found).startswith(
        "conditionals of the value at [0, 0, 0] change with what comes at [0, 1, 1] or later"
    )


def test_pixels_come_row_by_row_with_all_their_channels() -> None:
    x = torch.arange(24).view(1, 2, 3, 4)
    flat = in_order(x, 3)
    assert flat[0, :4].tolist() == [0, 12, 1, 13]
    assert torch.equal(out_of_order(flat, (2, 3, 4)), x)
    assert index_of(3, (2, 3, 4)) == (1, 0, 1)
    assert index_of(5, (4, 2)) == (2, 1)


@pytest.mark.parametrize(
    "made", [torch.zeros(5, 3, 3), torch.zeros(5, 2, 1, 3), torch.zeros(5, 3, 0, 3), torch.zeros(4, 3, 1, 3),
             torch.zeros(5, 3, MOST_COMPONENTS + 1, 3), torch.zeros(5, 3, 1, 3).double(), {"logits": torch.zeros(5)}],
)  # fmt: skip
def test_conditionals_of_another_shape_are_refused(made: Any) -> None:
    with pytest.raises(CandidateError, match=r"conditionals gives .* not float32 \[5, 3, components, 3\]"):
        outputs_of(type("Odd", (Normals,), {"conditionals": lambda self, x: made})(), X[:5])


# ---------------------------------------------------------------- draws


def test_draws_are_spread_as_the_network_says() -> None:
    draws = outputs_of(Normals())[:, 1]
    assert draws.std(0) == pytest.approx([1, 1, 1], abs=0.1)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(0.8, abs=0.06)
    assert abs(scored(Normals())["energy_distance"]) < 0.05 < scored(Normals(width=0.4))["energy_distance"]


def test_nothing_is_drawn_where_nobody_looks() -> None:
    figures = scored(Normals(), draws=False)
    assert math.isnan(figures["energy_distance"])
    assert figures["negative_log_likelihood"] == scored(Normals())["negative_log_likelihood"]
    assert len(made_draws(outputs_of(Normals(), draws=False))) == 0


def test_of_long_examples_few_are_drawn() -> None:
    spec = TensorSpec(shape=(600,))
    long = ROWS.model_copy(update={"input": spec, "output": spec})
    noise = noise_for(long, 100)["noise"]
    assert np.isfinite(noise[:, 0]).all(1).sum() == measured(100, 600) == 32
    assert np.isfinite(noise[:, 1]).all()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-20, 20), st.floats(-4, 3)), min_size=1, max_size=5),
    st.floats(-4, 4),
)
def test_a_quantile_undoes_the_probability(components: list[tuple[float, float, float]], code: float) -> None:
    made = mixture(torch.tensor(components).T[None, :, :, None])
    share = torch.special.ndtr(torch.tensor([[code]], dtype=torch.float64))
    assert made.below(made.quantile(share)).item() == pytest.approx(share.item(), abs=1e-6)


def test_draws_of_an_image_keep_its_shape() -> None:
    class Still(nn.Module):
        def conditionals(self, x: Tensor) -> Tensor:
            means = torch.arange(x[0].numel()).view(x[:1].shape).expand_as(x).float()
            return torch.stack([torch.zeros_like(x), means, torch.full_like(x, -9.0)], 1).unsqueeze(2)

    noise = torch.zeros(2, 12)
    made = drawn(Still(), noise, torch.zeros(5, 2, 3, 2))
    assert torch.allclose(made, torch.arange(12.0).view(1, 2, 3, 2).expand(2, -1, -1, -1), atol=1e-3)
