"""A network of a space as part of its supernet."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.evaluation.sharing.parts import parts_of
from neuromosaic.core.evaluation.sharing.weights import SharedWeights
from neuromosaic.core.evaluation.training import EVALUATION_BATCH

Norm = torch.nn.modules.batchnorm._BatchNorm


class SubNetwork(nn.Module):
    """Runs a spec layer by layer with borrowed weights; the same outputs as the module that the spec describes."""

    def __init__(self, spec: ArchitectureSpec, weights: SharedWeights) -> None:
        super().__init__()
        self.spec = spec
        parts = parts_of(spec)
        self._layers = [weights.borrow(part) for part in parts]
        self._steps = [(part.layer.name, spec.sources[part.layer.name]) for part in parts]
        self.parts = nn.ModuleList(layer.module for layer in self._layers)

    def forward(self, *inputs: Tensor, scales: Mapping[str, Tensor] | None = None) -> Tensor:
        """The first output. `scales`: factors by layer name for what the layer returns."""
        values = {each.name: x for each, x in zip(self.spec.inputs, inputs, strict=True)}
        for (name, sources), layer in zip(self._steps, self._layers, strict=True):
            value = layer(*(values[source] for source in sources))
            values[name] = value * scales[name] if scales and name in scales else value
        return values[self.spec.outputs[0]]

    def recalibrate(self, x: Tensor, batch: int = EVALUATION_BATCH) -> None:
        """Batch norms get the statistics of this very network on `x` [n, ...] (Guo et al., 2020, arXiv:1904.00420,
        section 3.4): those of the training are of all networks together. Dropout is off meanwhile."""
        norms = [module for module in self.modules() if isinstance(module, Norm) and module.track_running_stats]
        if not norms:
            return
        self.eval()
        held = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches, each counting alike
            norm.train()
        with torch.no_grad():
            for rows in torch.split(x, batch):
                if len(rows) > 1:
                    self(rows)
        for norm, momentum in zip(norms, held, strict=True):
            norm.momentum = momentum
            norm.eval()
