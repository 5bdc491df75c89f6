"""The training loop in several processes, each on its share of every batch; Lightning Fabric keeps them together."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neuromosaic.core.evaluation.loop import Loop
from neuromosaic.core.evaluation.losses import Objective

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class SharedLoop(Loop):
    """A `Loop` whose gradients are the mean over all processes: the whole batch's, to rounding.

    Batch norms see their process's share, and what they remember is the first process's. Every process draws the same
    order of examples.
    """

    def __init__(self, fabric: "Fabric", *given: Any) -> None:
        super().__init__(*given)
        self.fabric, self.weight = fabric, 1.0
        self.network, self.optimizer = fabric.setup(self.module, self.optimizer)
        self._draw_apart()

    def _draw_apart(self) -> None:
        """Dropout and augmentation differ between the processes; the first draws as if it were alone."""
        rank = self.fabric.global_rank
        if rank:
            torch.manual_seed(torch.initial_seed() + rank)
            self.changing.manual_seed(self.changing.initial_seed() + rank)

    def share(self, rows: Tensor) -> Tensor:
        """This process's; all of them, where there are not two for each."""
        ranks = self.fabric.world_size
        own = rows if len(rows) < 2 * ranks else torch.tensor_split(rows, ranks)[self.fabric.global_rank]
        self.weight = 1.0 if own is rows else len(own) * ranks / len(rows)
        return own

    def run(self, batches: list[Tensor]) -> float | None:
        loss = super().run(batches)
        return None if loss is None else float(self._mean(torch.tensor(loss, dtype=torch.float64)))

    def step(self, x: Tensor, y: Tensor, soft: Tensor | None) -> Objective:
        made = super().step(x, y, soft)
        return Objective(made.loss * self.weight, made.terms)

    def propagate(self, loss: Tensor) -> None:
        self.fabric.backward(loss * self.weight)

    def is_finite(self, total: Tensor) -> bool:
        """What one process alone found out would leave the others waiting for it."""
        return super().is_finite(self._mean(total))

    def _mean(self, value: Tensor) -> Tensor:
        mean = self.fabric.all_reduce(value.to(self.fabric.device), reduce_op="mean")
        assert isinstance(mean, Tensor)
        return mean
