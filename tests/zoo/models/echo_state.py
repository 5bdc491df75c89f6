"""Echo state network (Jaeger, 2001): a fixed random reservoir, of which only the readout is trained."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, inputs: int = 3, reservoir: int = 30, outputs: int = 2, radius: float = 0.9) -> None:
        super().__init__()
        recurrent = torch.randn(reservoir, reservoir)
        recurrent *= radius / torch.linalg.eigvals(recurrent).abs().max()
        self.register_buffer("incoming", torch.rand(inputs, reservoir) - 0.5)
        self.register_buffer("recurrent", recurrent)
        self.readout = nn.Linear(reservoir, outputs)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), self.recurrent.shape[0])
        for step in x.unbind(dim=1):
            state = torch.tanh(step @ self.incoming + state @ self.recurrent)
        return self.readout(state)
