"""What a judge has a generative network do with held-out examples and the host's noise.

Nothing that the network says of itself is in it. Of an autoencoder the code is all that is handed from `encode` to
`decode`.

A flow's likelihood is that of its codes under the standard normal, times the volume that `encode` makes of a small
one around the example (Dinh et al., 2017, arXiv:1605.08803, equation 2), here measured by differences of `encode`
over a step. It counts only where `decode` brings the example back: there no two examples share a code, so that the
density sums up to no more than one, whatever the network computes. The step is wider than the error that is allowed
of what comes back, so that folds too fine to be seen by the latter do not pass for volume.

A diffusion's likelihood is bounded from below by the judge's own process, in which the network does nothing but
remove noise (Kingma et al., 2021, arXiv:2107.00630, equation 17): the bound holds for any function. Its integral over
the levels is taken at one level in each of equal steps, all examples at the same. Draws are made of the host's noise
by the deterministic sampler (Song et al., 2021, arXiv:2010.02502, equation 12).

Of a pair trained in turn nothing is asked but draws: what `decode` makes of the host's noise. Its discriminator is
not run, so that no figure rests on who judged it in training.
What is done with an autoregressive network is in `autoregression`.
"""

import math
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Generative
from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.autoregression import answered
from neuromosaic.core.evaluation.generation import BLUR, MOST, measured
from neuromosaic.core.evaluation.streaming import Examples

STEP = 0.005
"""Of the differences, in standard deviations of the data."""
RETURNED = 2.5e-4
"""The largest error of a value that has come back, or this share of it where it is above 1."""
BROAD, SHARE = 3.0, 1e-3
"""Standard deviation and probability of the normal that stands in for what a flow leaves out."""
AT_ONCE = 4096
"""Examples that go through a network together."""
BOUND, DRAWN = 64, 32
"""Noise levels of the likelihood's bound, and steps of a draw."""
CLEAR, LOST = 8.0, -9.0
"""Logarithm of the signal's variance over the noise's at the first level and at the last."""
HALF = 0.5
"""The level from which a denoised example is shown."""


def answers(module: nn.Module, generative: Generative, x: Examples, noise: Tensor, batch: int) -> Tensor:
    """[n, parts, ...] as `generation` reads them, of examples `x` [n, ...] and what `noise_for` drew for them.

    Raises CandidateError where the network lacks a method, or one gives another shape than asked for.
    """
    if generative in ("autoencoder", "gan"):
        one = _through_codes if generative == "autoencoder" else _of_pair
        slices = [slice(start, start + batch) for start in range(0, len(x), batch)]
        return torch.cat([one(module, x[rows], noise[rows, 0]) for rows in slices])
    first = x[0 : min(len(x), MOST)]
    parts = _DENSITIES[generative](module, first, noise[: len(first)])
    filled = [torch.cat([part, part.new_zeros((len(x) - len(part), *first.shape[1:]))]) for part in parts]
    return torch.stack(filled, 1)


# ---------------------------------------------------------------- codes


def _through_codes(module: Any, x: Tensor, noise: Tensor) -> Tensor:
    return torch.stack([decoded(module, encoded(module, x, noise), x), decoded(module, noise, x)], 1)


def _of_pair(module: Any, x: Tensor, noise: Tensor) -> Tensor:
    """Draws alone: nothing of an example reaches a generator."""
    return decoded(module, noise, x).unsqueeze(1)


def encoded(module: Any, x: Tensor, like: Tensor) -> Tensor:
    """Codes of examples, of the shape and dtype of `like`."""
    codes = module.encode(x)
    if codes.shape != like.shape or codes.dtype != like.dtype:
        raise CandidateError(f"encode gives {list(codes.shape)}, not codes {list(like.shape)}", "code-shape")
    return torch.as_tensor(codes)


def decoded(module: Any, codes: Tensor, like: Tensor) -> Tensor:
    """Examples of codes, of the shape of `like`."""
    made = module.decode(codes)
    if made.shape != like.shape:
        raise CandidateError(f"decode gives {list(made.shape)}, not examples {list(like.shape)}", "output-shape")
    return torch.as_tensor(made)


# ---------------------------------------------------------------- flow


def _of_flow(module: nn.Module, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    near = x + BLUR * noise[:, 1].view_as(x)
    draws = decoded(module, noise[:, 0], x)
    codes = encoded(module, near, noise[:, 0])
    back = decoded(module, codes, x)
    counted = measured(len(x), x[0].numel())
    nats = _surprise(module, near[:counted], codes[:counted], back[:counted])
    return back, draws, _spread(nats, x)


def _surprise(module: nn.Module, near: Tensor, codes: Tensor, back: Tensor) -> Tensor:
    """Nats of each example [n, ...], [n], from its code and what came back of it."""
    volume = _normal(codes, 1.0) + torch.linalg.slogdet(_jacobian(module, near).double()).logabsdet
    missed = (back - near).abs() > RETURNED * near.abs().clamp(min=1.0)
    returned = ~missed.flatten(1).any(1) & volume.isfinite() & back.flatten(1).isfinite().all(1)
    counted = torch.where(returned, volume + math.log1p(-SHARE), -math.inf)
    return -torch.logaddexp(counted, _normal(near, BROAD) + math.log(SHARE))


def _jacobian(module: nn.Module, near: Tensor) -> Tensor:
    """How each number of the code changes with each value of the example, [n, values, values]."""
    flat, size = near.flatten(1), near[0].numel()
    steps = STEP * torch.eye(size, device=near.device)
    moved = torch.stack([flat[:, None] + steps, flat[:, None] - steps], 1).reshape(-1, *near.shape[1:])
    codes = torch.cat([encoded(module, part, part.flatten(1)) for part in torch.split(moved, AT_ONCE)])
    above, below = codes.view(len(near), 2, size, size).unbind(1)
    return (above - below) / (2 * STEP)


def _normal(values: Tensor, width: float) -> Tensor:
    """Logarithm of the density of [n, ...] under a normal distribution around 0, float64 [n]."""
    scaled = values.flatten(1).double() / width
    return -0.5 * (scaled**2 + math.log(2 * math.pi * width**2)).sum(1)


def _spread(nats: Tensor, x: Tensor) -> Tensor:
    """For each value of the examples its share, [n, ...]."""
    shares = (nats / x[0].numel()).to(x.dtype)
    return shares.view(-1, *[1] * (x.ndim - 1)).expand(len(nats), *x.shape[1:])


# ---------------------------------------------------------------- diffusion


def _of_diffusion(module: nn.Module, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    start, blur = (part.view_as(x) for part in noise.unbind(1))
    draw = torch.Generator().manual_seed(0)
    counted = measured(len(x), x[0].numel())
    nats = _bound(module, (x + BLUR * blur)[:counted], draw)
    back = _denoised(module, _noisy(x, HALF, draw), HALF)
    return back, _drawn(module, start), _spread(nats, x)


def _noisy(x: Tensor, level: float, draw: torch.Generator) -> Tensor:
    noise = torch.randn(x.shape, generator=draw, dtype=x.dtype).to(x.device)
    return math.sqrt(1 - level) * x + math.sqrt(level) * noise


def _levels() -> list[float]:
    """Of a draw: the noise's share of the variance, from nearly all to next to nothing."""
    return list(torch.linspace(LOST, CLEAR, DRAWN + 1, dtype=torch.float64).neg().sigmoid().tolist())


def _denoised(module: Any, noisy: Tensor, level: float) -> Tensor:
    """Examples behind noisy ones; all of a call are at one level, so that none is seen in less noise."""
    made = [module.denoise(part, part.new_full((len(part),), level)) for part in torch.split(noisy, AT_ONCE)]
    if any(one.shape[1:] != noisy.shape[1:] for one in made):
        raise CandidateError(f"denoise gives {list(made[0].shape)}, not examples {list(noisy.shape)}", "output-shape")
    return torch.cat(made)


def _bound(module: nn.Module, x: Tensor, draw: torch.Generator) -> Tensor:
    """Nats that no example [n, ...] is less likely by, [n]: of the last level, of the way, and of the first level."""
    clearest, step = math.exp(CLEAR), (CLEAR - LOST) / BOUND
    total = _of_last(x, 1 / (1 + math.exp(LOST))) + 0.5 * x[0].numel() * (1 + math.log(2 * math.pi / clearest))
    for place, share in enumerate(torch.rand(BOUND, generator=draw, dtype=torch.float64).tolist()):
        ratio = math.exp(LOST + step * (place + share))
        level = 1 / (1 + ratio)
        errors = (x - _denoised(module, _noisy(x, level, draw), level)).double().flatten(1)
        total = total + 0.5 * step * ratio * (errors**2).sum(1)
    return total


def _of_last(x: Tensor, level: float) -> Tensor:
    """Divergence of examples at the last level from the noise that draws begin with, float64 [n]."""
    squares = (x.double().flatten(1) ** 2).sum(1)
    return 0.5 * ((1 - level) * squares + x[0].numel() * (level - 1 - math.log(level)))


def _drawn(module: nn.Module, start: Tensor) -> Tensor:
    noisy, levels = start, _levels()
    for level, after in pairwise(levels):
        example = _denoised(module, noisy, level)
        removed = (noisy - (1 - level) ** 0.5 * example) / level**0.5
        noisy = (1 - after) ** 0.5 * example + after**0.5 * removed
    return _denoised(module, noisy, levels[-1])


def _of_autoregression(module: nn.Module, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    back, draws, nats = answered(module, x, noise)
    return back, draws, _spread(nats, x)


_DENSITIES: Final = {"flow": _of_flow, "diffusion": _of_diffusion, "autoregressive": _of_autoregression}
METHODS: Final[dict[Generative, tuple[str, ...]]] = {
    "autoencoder": ("encode", "decode"), "flow": ("encode", "decode"), "diffusion": ("denoise",), "gan": ("decode",),
    "autoregressive": ("conditionals",),
}  # fmt: skip
"""What a network of each kind has besides forward and `sample`."""
