"""Random changes to training inputs, drawn anew for each batch; labels stay as they are."""

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor

from neuromosaic.core.evaluation.losses import LossFunction
from neuromosaic.core.evaluation.recipe import Augmentation
from neuromosaic.core.evaluation.streaming import Examples, spread

SHIFT = 1 / 8  # of the side
ROTATION = math.radians(15)
NOISE = 0.1  # of the training inputs' standard deviation
MIXUP_ALPHA = 0.2

Change = Callable[[Tensor, torch.Generator], Tensor]


def augmentation(names: Sequence[Augmentation], x: Examples) -> Change:
    """One function that applies the named changes in order; "mixup" is not among them: see `mixup_loss`.

    `x` holds all training inputs, [n, channels, height, width] for "shift", "flip" and "rotate", any float
    shape for "noise". The function keeps shape and dtype.
    """
    deviation = spread(x) if "noise" in names else 0.0
    known: dict[str, Change] = {"shift": shift, "flip": flip, "rotate": rotate, "noise": _noise(NOISE * deviation)}
    changes = [known[name] for name in names if name != "mixup"]

    def apply(batch: Tensor, draw: torch.Generator) -> Tensor:
        for change in changes:
            batch = change(batch, draw)
        return batch

    return apply


def shift(x: Tensor, draw: torch.Generator) -> Tensor:
    """Each image moved by up to an eighth of its side, up, down, left and right; the gap repeats the border.

    Repeating the border suits every normalisation: a gap of zeros is a grey frame around standardised images.
    """
    count, _, height, width = x.shape
    down, right = int(height * SHIFT), int(width * SHIFT)
    padded = F.pad(x, (right, right, down, down), mode="replicate")
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    top = torch.randint(2 * down + 1, (count,), generator=draw, device=x.device)
    left = torch.randint(2 * right + 1, (count,), generator=draw, device=x.device)
    return windows[torch.arange(count, device=x.device), :, top, left]


def flip(x: Tensor, draw: torch.Generator) -> Tensor:
    """Every second image, by chance, mirrored left to right."""
    mirrored = torch.rand(len(x), generator=draw, device=x.device) < 0.5
    return torch.where(mirrored[:, None, None, None], x.flip(-1), x)


def rotate(x: Tensor, draw: torch.Generator) -> Tensor:
    """Each image turned by up to 15 degrees about its centre, bilinear; the gap repeats the border."""
    angle = (2 * torch.rand(len(x), generator=draw, device=x.device) - 1) * ROTATION
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    aspect = x.shape[-2] / x.shape[-1]  # the grid runs from -1 to 1 along both sides, also where they differ
    turn = torch.stack([cos, -sin * aspect, zero, sin / aspect, cos, zero], 1).view(-1, 2, 3)
    grid = F.affine_grid(turn, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _noise(spread: float) -> Change:
    def noise(x: Tensor, draw: torch.Generator) -> Tensor:
        return x + spread * torch.randn(x.shape, generator=draw, device=x.device)

    return noise


class Mixed(NamedTuple):
    """A batch blended with a shuffled copy of itself; `share` of the original."""

    x: Tensor
    partner: Tensor
    share: float

    def loss(self, loss: LossFunction, outputs: Tensor, y: Tensor) -> Tensor:
        return self.share * loss(outputs, y) + (1 - self.share) * loss(outputs, y[self.partner])


def mixup(x: Tensor, draw: random.Random, generator: torch.Generator) -> Mixed:
    """mixup (Zhang et al., 2018) with one share per batch from Beta(0.2, 0.2)."""
    share = draw.betavariate(MIXUP_ALPHA, MIXUP_ALPHA)
    partner = torch.randperm(len(x), generator=generator, device=x.device)
    return Mixed(share * x + (1 - share) * x[partner], partner, share)
