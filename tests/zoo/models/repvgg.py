"""RepVGG (Ding et al., 2021): three branches while training, folded into one convolution in eval mode."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RepBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.conv3 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.identity = nn.BatchNorm2d(inputs) if inputs == outputs and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            y = self.norm3(self.conv3(x)) + self.norm1(self.conv1(x))
            return F.relu(y if self.identity is None else y + self.identity(x))
        weight, bias = self.folded()
        return F.relu(F.conv2d(x, weight, bias, self.stride, padding=1))

    def folded(self) -> tuple[Tensor, Tensor]:
        """One 3x3 kernel and bias that do what all the branches do."""
        parts = [self.fuse(self.conv3.weight, self.norm3), self.fuse(F.pad(self.conv1.weight, [1] * 4), self.norm1)]
        if self.identity is not None:
            channels = self.identity.num_features
            delta = torch.zeros(3, 3).index_put((torch.tensor(1), torch.tensor(1)), torch.tensor(1.0))
            parts.append(self.fuse(torch.eye(channels)[:, :, None, None] * delta, self.identity))
        weights, biases = zip(*parts, strict=True)
        return torch.stack(weights).sum(0), torch.stack(biases).sum(0)

    @staticmethod
    def fuse(kernel: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        return kernel * scale[:, None, None, None], norm.bias - norm.running_mean * scale


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(RepBlock(3, 8, 2), RepBlock(8, 8), RepBlock(8, 16, 2), RepBlock(16, 16))
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(x).mean(dim=(2, 3)))
