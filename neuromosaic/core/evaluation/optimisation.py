"""Optimisers and the learning-rate schedule."""

import math
from collections.abc import Sequence
from typing import Any, assert_never

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from neuromosaic.core.evaluation.recipe import Recipe, Schedule

MOMENTUM = 0.9
Betas = tuple[float, float]
BETAS: Betas = (0.9, 0.999)
"""Of Adam and AdamW: how long the moments remember."""
BETAS_OF_PAIRS: Betas = (0.0, 0.99)
"""Where two play against each other, where the other was is no guide: no momentum (Gidel et al., 2019,
arXiv:1807.04740), as in Huang et al., 2024, arXiv:2501.05441, appendix D."""


def make_optimizer(module: nn.Module, example: Tensor, recipe: Recipe, betas: Betas = BETAS) -> Optimizer:
    """The recipe's optimiser over the module's trainable parameters; `undecayed` ones have no weight decay."""
    kept = undecayed(module, example, recipe)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    plain = [parameter for parameter in parameters if id(parameter) in kept]
    decayed = [parameter for parameter in parameters if id(parameter) not in kept]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return _optimizer([group for group in groups if group["params"]], recipe, betas)


def undecayed(module: nn.Module, example: Tensor, recipe: Recipe) -> set[int]:
    """Identities of the trainable parameters that weight decay leaves out: what is no matrix product's weight.

    These are tensors with one axis or none (biases, gains of norms) and embedding tables. `example` [batch, ...] is
    run once to see which tables are looked up: in a rebuilt graph no layer's class tells it.
    """
    tables = _embedding_tables(module, example) if recipe.weight_decay else set()
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return {id(parameter) for parameter in parameters if parameter.ndim < 2 or id(parameter) in tables}


def _optimizer(groups: Any, recipe: Recipe, betas: Betas) -> Optimizer:
    """One fused kernel per step: on a CPU it takes a third of the time of the loop over parameters.

    Complex parameters have no fused kernel. Fused SGD whose first step overflows in float16 would go on with whatever
    the memory of its momentum held.
    """
    rate = recipe.learning_rate
    overflows = recipe.optimizer == "sgd" and recipe.precision == "fp16"
    fused = not overflows and all(parameter.is_floating_point() for group in groups for parameter in group["params"])
    match recipe.optimizer:
        case "adamw":
            return AdamW(groups, lr=rate, betas=betas, fused=fused)
        case "adam":
            return Adam(groups, lr=rate, betas=betas, fused=fused)
        case "sgd":
            return SGD(groups, lr=rate, momentum=MOMENTUM, nesterov=True, fused=fused)
        case unknown:
            assert_never(unknown)


def rate_factor(step: int, steps: int, warmup: float, schedule: Schedule = "cosine") -> float:
    """Share of the peak learning rate at `step` of `steps` (0-based).

    Rises linearly over the first `warmup` share of the steps. Then it falls as a half cosine (SGDR without restarts,
    Loshchilov & Hutter, 2017) or a straight line, either of which reaches zero just after the last step, or stays.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    passed = (step - rising) / (steps - rising)
    match schedule:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * passed))
        case "linear":
            return 1 - passed
        case "constant":
            return 1.0
        case unknown:
            assert_never(unknown)


class _Lookups(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the identity of every table that an embedding operation reads."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tables: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten.embedding.default:
            self.tables.add(id(args[0]))
        return func(*args, **(kwargs or {}))


def _embedding_tables(module: nn.Module, example: Tensor) -> set[int]:
    training = module.training
    module.eval()  # no running statistics change, no random number is drawn
    lookups = _Lookups()
    with torch.no_grad(), lookups:
        module(example)
    module.train(training)
    return lookups.tables
