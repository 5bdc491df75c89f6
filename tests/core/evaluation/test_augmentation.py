import random
from typing import Any

import pytest
import torch
from torch import Tensor

from neuromosaic.core.evaluation.augmentation import augmentation, flip, mixup, rotate, shift


@pytest.fixture
def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def images() -> Tensor:
    return torch.randn(40, 3, 16, 24, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["shift", "flip", "rotate", "noise"])
def test_inputs_change_but_keep_shape_dtype_and_origin(name: Any, images: Tensor, draw: torch.Generator) -> None:
    before = images.clone()
    changed = augmentation([name], images)(images, draw)
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert torch.equal(images, before)
    assert not torch.equal(changed, before)
    again = augmentation([name], images)(images, torch.Generator().manual_seed(0))
    assert torch.equal(changed, again)


def test_a_shift_moves_each_image_whole_by_up_to_an_eighth(images: Tensor, draw: torch.Generator) -> None:
    found = set()
    for image, moved in zip(images, shift(images, draw), strict=True):
        inner = moved[:, 2:-2, 3:-3]
        fitting = [
            (down, right)
            for down in range(5)
            for right in range(7)
            if torch.equal(inner, image[:, down : down + 12, right : right + 18])
        ]
        assert len(fitting) == 1
        found.update(fitting)
    assert len(found) > 15  # each on its own way


def test_a_shift_repeats_the_border() -> None:
    constant = torch.full((8, 1, 8, 8), -0.7)
    assert torch.equal(shift(constant, torch.Generator().manual_seed(0)), constant)


def test_a_shift_leaves_images_that_are_too_small_alone(draw: torch.Generator) -> None:
    small = torch.randn(3, 1, 5, 7)
    assert torch.equal(shift(small, draw), small)


def test_a_flip_mirrors_about_half_of_the_images(images: Tensor, draw: torch.Generator) -> None:
    flipped = flip(images, draw)
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(flipped, images, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(flipped, images, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 10 < sum(mirrored) < 30


@pytest.mark.parametrize("shape", [(31, 31), (21, 41), (41, 21)])
def test_a_rotation_turns_by_up_to_fifteen_degrees_about_the_centre(shape: tuple[int, int]) -> None:
    height, width = shape
    dot = torch.zeros(200, 1, height, width)
    dot[:, :, height // 2, width // 2 + 8] = 1  # eight pixels right of the centre
    turned = rotate(dot, torch.Generator().manual_seed(0))
    rows, columns = torch.arange(height).float() - height // 2, torch.arange(width).float() - width // 2
    mass = turned.sum((1, 2, 3))
    down = (turned.sum((1, 3)) * rows).sum(1) / mass
    right = (turned.sum((1, 2)) * columns).sum(1) / mass
    radius, angle = torch.hypot(down, right), torch.rad2deg(torch.atan2(down, right))
    assert ((radius - 8).abs() < 0.5).all()
    assert angle.abs().max() < 16
    assert angle.max() > 12
    assert angle.min() < -12


def test_noise_is_a_tenth_of_the_spread_of_the_data(draw: torch.Generator) -> None:
    x = 7 * torch.randn(4000, 5)
    added = augmentation(["noise"], x)(x, draw) - x
    assert added.std() == pytest.approx(0.7, rel=0.05)


def test_mixup_blends_each_example_with_its_partner_and_their_losses_alike(draw: torch.Generator) -> None:
    x, y = torch.randn(10, 4), torch.randn(10, 4)
    mixed = mixup(x, random.Random(0), draw)
    assert 0 <= mixed.share <= 1
    assert torch.allclose(mixed.x, mixed.share * x + (1 - mixed.share) * x[mixed.partner])
    loss = mixed.loss(lambda outputs, targets: (outputs - targets).mean(), x, y)
    expected = (x - (mixed.share * y + (1 - mixed.share) * y[mixed.partner])).mean()
    assert loss == pytest.approx(float(expected), abs=1e-6)


def test_changes_are_applied_in_order_and_mixup_is_left_to_the_loss(images: Tensor) -> None:
    both = augmentation(["flip", "mixup", "shift"], images)(images, torch.Generator().manual_seed(4))
    draw = torch.Generator().manual_seed(4)
    assert torch.equal(both, shift(flip(images, draw), draw))
