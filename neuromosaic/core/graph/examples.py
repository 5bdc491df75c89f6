"""Inputs that nobody has to send: drawn from a signature and a seed."""

import random
from typing import Any

import torch
from torch import Tensor

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.signature import Signature

SOME_CLASSES = 4
UNBOUNDED = 2
"""Ids are drawn below this where nobody has said what is allowed: 0 and 1 are valid almost everywhere."""


def draw_inputs(signature: Signature, batch: int, seed: int) -> tuple[Tensor, ...]:
    """One batch for every input of the signature.

    float32 from a standard normal, int64 evenly from [0, upper), bool evenly.
    """
    draw = random.Random(f"{seed}/example-inputs/0")
    generator = torch.Generator().manual_seed(draw.getrandbits(63))
    axis = signature.batch_axes[0] if signature.batch_axes else None
    return tuple(_draw(spec, _batched(spec.shape, axis, batch), generator) for spec in signature.inputs)


def draw_targets(signature: Signature, outputs: Tensor, seed: int) -> Tensor:
    """What the loss compares `outputs` with: int64 classes (of the last axis, for images of the second), or values of
    the outputs' own shape."""
    generator = torch.Generator().manual_seed(random.Random(f"{seed}/example-targets/0").getrandbits(63))
    if signature.loss == "cross_entropy":
        last = outputs.movedim(1, -1) if signature.task == "segmentation" else outputs
        targets = torch.randint(0, last.shape[-1], last.shape[:-1], generator=generator)
    elif signature.loss in ("contrastive", "triplet"):
        targets = torch.arange(len(outputs)) % SOME_CLASSES
    elif signature.loss == "binary_cross_entropy":
        targets = (torch.rand(outputs.shape, generator=generator) < 0.5).float()
    else:
        targets = torch.randn(outputs.shape, generator=generator)
    return targets.to(outputs.device)


def other_values(x: Tensor, spec: TensorSpec | None = None) -> Tensor:
    """Other values of the same kind, every one of them different."""
    if x.dtype == torch.bool:
        return ~x
    if not (x.is_floating_point() or x.is_complex()):
        upper = (spec.upper if spec else None) or max(UNBOUNDED, int(x.max()) + 1 if x.numel() else UNBOUNDED)
        return (x + 1) % upper
    shift = torch.linspace(-1, 1, x.numel(), device=x.device).reshape(x.shape)
    return (1.5 * x + shift + 0.5).to(x.dtype)


def meta_inputs(described: list[dict[str, Any]]) -> tuple[Tensor, ...]:
    """Tensors without memory, of the given "shape" (batch included) and "dtype"."""
    return tuple(
        torch.empty(tuple(one["shape"]), dtype=getattr(torch, one["dtype"]), device="meta") for one in described
    )


def _batched(shape: tuple[int, ...], axis: int | None, batch: int) -> tuple[int, ...]:
    return shape if axis is None else (*shape[:axis], batch, *shape[axis:])


def _draw(spec: TensorSpec, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    match spec.dtype:
        case "int64":
            return torch.randint(0, spec.upper or UNBOUNDED, shape, generator=generator)
        case "bool":
            return torch.rand(shape, generator=generator) < 0.5
        case _:
            return torch.randn(shape, generator=generator)
