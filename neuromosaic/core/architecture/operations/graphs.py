"""Layers over graphs: nodes [nodes, features] and a dense adjacency [nodes, nodes], weights at or above 0."""

from neuromosaic.core.architecture.calls import Plan, call
from neuromosaic.core.architecture.operation import Count, Data, Width, operation
from neuromosaic.core.errors import ArchitectureError


@operation("sequence", "sequence")
def graph_conv(x: Data, adjacency: Data, width: Width) -> Plan:
    """A linear layer of each node, and one of the mean of its neighbours."""
    _check(x, adjacency)
    return Plan("{m}({0}, {1})", (("m", call("GraphConv", x.width, width)),))


@operation("sequence", "sequence")
def graph_attention(x: Data, adjacency: Data, width: Width, heads: Count = 4) -> Plan:
    """Attention of each node to its neighbours; `width` is a multiple of `heads`."""
    _check(x, adjacency)
    if width % heads:
        raise ArchitectureError(f"the width {width} is no multiple of {heads} heads")
    return Plan("{m}({0}, {1})", (("m", call("GraphAttention", x.width, width, heads)),))


def _check(x: Data, adjacency: Data) -> None:
    if adjacency.shape != (x.shape[0],) * 2:
        raise ArchitectureError(
            f"{x.shape[0]} nodes need an adjacency of their number squared, not {adjacency.shape}"
        )
