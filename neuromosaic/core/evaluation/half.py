"""Training with products of half the bits: weights, losses and scores stay float32. Runs in a worker.

float16 reaches down to 6e-8 only, so that the loss is scaled up before the backward pass and gradients down after it;
a step whose gradients overflow is skipped and the scale halved (Micikevicius et al., 2018, arXiv:1710.03740, section
3.2). bfloat16 has float32's range and needs none of this.
"""

from typing import Final

import torch
from torch import Tensor
from torch.optim import Optimizer

from neuromosaic.core.evaluation.recipe import Precision

DTYPES: Final[dict[Precision, torch.dtype]] = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Of products, where they are not float32."""
SMALLEST_SCALE: Final = 2.0**-10
"""Below it, 26 halvings under the first, gradients overflow whatever the scale: nothing is learnt any more."""
_TOLD: Final = ("scale", "_growth_tracker")
"""What changes in a `GradScaler` from step to step."""


class Scaling:
    """The scale of one training's losses in float16, as `torch.amp.GradScaler` keeps it.

    A skipped step counts as one: the schedule goes on, and so the same seed gives the same steps.
    """

    def __init__(self, optimizer: Optimizer, device: torch.device) -> None:
        self.optimizer, self.scaler = optimizer, torch.amp.GradScaler(device.type)

    def up(self, loss: Tensor) -> Tensor:
        """The loss whose gradients are to be added up."""
        scaled: Tensor = self.scaler.scale(loss)
        return scaled

    def down(self) -> None:
        """Brings the gradients that were added up to their own size."""
        self.scaler.unscale_(self.optimizer)

    def step(self) -> None:
        """The optimiser's, unless a gradient overflowed."""
        self.scaler.step(self.optimizer)
        self.scaler.update()

    @property
    def is_lost(self) -> bool:
        """Whether no scale is small enough."""
        return self.scaler.get_scale() < SMALLEST_SCALE

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it: scalars, float64."""
        told = self.scaler.state_dict()
        return {name: torch.tensor(float(told[name]), dtype=torch.float64) for name in _TOLD}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Goes on from what `state` told."""
        scale, tracker = (float(state[name]) for name in _TOLD)
        self.scaler.load_state_dict({**self.scaler.state_dict(), "scale": scale, "_growth_tracker": int(tracker)})
