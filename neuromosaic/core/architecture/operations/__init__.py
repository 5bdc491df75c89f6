"""The operations: a declaration each; the blocks that they build stand in `core/architecture/blocks`."""

from neuromosaic.core.architecture.operations import (
    convolution,
    dense,
    graphs,
    joins,
    pooling,
    sequences,
    shaping,
)

__all__ = ["convolution", "dense", "graphs", "joins", "pooling", "sequences", "shaping"]
