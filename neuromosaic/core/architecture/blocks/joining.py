import math

import torch
from torch import Tensor, nn


class GatedJoin(nn.Module):
    """A trained gate in (0, 1) for each feature chooses between two tensors.

    Two [..., width] to one; half of each at the start of training, roughly.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(2 * width, width)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        share = torch.sigmoid(self.gate(torch.cat((one, other), -1)))
        return share * one + (1 - share) * other


class GatedImageJoin(nn.Module):
    """A trained gate in (0, 1) for each channel and pixel chooses between two images.

    Two [batch, channels, h, w] to one.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        share = torch.sigmoid(self.gate(torch.cat((one, other), 1)))
        return share * one + (1 - share) * other


class PoolSteps(nn.Module):
    """Averages a sequence down to `steps`. [batch, time, width] to [batch, steps, width]."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool1d(steps)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pool(x.transpose(1, 2)).transpose(1, 2)
        return out


def initialise(model: nn.Module) -> None:
    """Weights that keep the variance of what passes through; biases at zero.

    Normal, with variance gain / fan_in: gain 2 in front of a ReLU (He et al., 2015) and
    about 2 in front of its smooth relatives, else 1 (LeCun et al., 1998). Orthogonal
    between the steps of a recurrent layer (Saxe et al., 2014). Embeddings: variance 1.
    """
    curved = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish)
    gains: dict[nn.Module, float] = {}
    for module in model.modules():
        if isinstance(module, nn.Sequential):
            parts = list(module)
            for layer, after in zip(parts, parts[1:], strict=False):
                gains[layer] = 2.0 if isinstance(after, curved) else 1.0
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)):
            fan_in: float = module.weight[0].numel()
            if isinstance(module, nn.ConvTranspose2d):
                fan_in = module.weight[:, 0].numel() / math.prod(module.stride)
            nn.init.normal_(module.weight, std=(gains.get(module, 1.0) / fan_in) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
        elif isinstance(module, (nn.GRU, nn.LSTM)):
            for name, weight in module.named_parameters():
                if "weight_hh" in name:
                    nn.init.orthogonal_(weight)
                elif "weight_ih" in name:
                    nn.init.xavier_uniform_(weight)
                else:
                    nn.init.zeros_(weight)
