from torch import Tensor, nn


class GraphConv(nn.Module):
    """Each node takes the mean of its neighbours and itself (Kipf & Welling, 2017).

    [batch, nodes, inputs] and a dense adjacency [batch, nodes, nodes] to
    [batch, nodes, outputs].
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.neighbours = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        degree = adjacency.abs().sum(-1, keepdim=True).clamp(min=1.0)
        out: Tensor = self.own(x) + (adjacency @ self.neighbours(x)) / degree
        return out


class GraphAttention(nn.Module):
    """Each node weighs its neighbours by attention; a node without any keeps to itself.

    [batch, nodes, inputs] and a dense adjacency [batch, nodes, nodes] to
    [batch, nodes, outputs] (Velickovic et al., 2018).
    """

    def __init__(self, inputs: int, outputs: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.value = nn.Linear(inputs, outputs, bias=False)
        self.source = nn.Linear(inputs, heads)
        self.target = nn.Linear(inputs, heads, bias=False)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        source, target = self.source(x).mT, self.target(x).mT
        scores = source.unsqueeze(-1) + target.unsqueeze(-2)
        scores = nn.functional.leaky_relu(scores, 0.2)
        near = (adjacency > 0).unsqueeze(1)
        weights = scores.masked_fill(~near, -1e4).softmax(-1)
        value = self.value(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        mixed: Tensor = (weights @ value).transpose(1, 2).flatten(2)
        return mixed
