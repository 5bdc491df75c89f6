"""PyTorch's shadow: the same names, knowing only shapes, parameters and FLOPs.

Blocks are ordinary PyTorch (`core/architecture/blocks`). Run with this shadow in the place of torch, the same text
tells what it costs, in plain integers: there is no second formula that could disagree with the code. FLOPs are
counted as `core.evaluation.measuring.flops` counts them. What the shadow does not know raises ArchitectureError.
"""

from neuromosaic.core.architecture.shadow.namespace import NAMESPACE
from neuromosaic.core.architecture.shadow.tensor import Tally, Tensor

__all__ = ["NAMESPACE", "Tally", "Tensor"]
