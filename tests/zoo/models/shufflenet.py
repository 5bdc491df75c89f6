"""ShuffleNet v2 units (Ma et al., 2018): split, depthwise, concatenate, shuffle the channels."""

import torch
from torch import nn


def channel_shuffle(x, groups):
    batch, channels, height, width = x.shape
    x = x.reshape(batch, groups, channels // groups, height, width)
    x = x.transpose(1, 2)
    return x.reshape(batch, channels, height, width)


def branch(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, stride, 1, groups=outputs, bias=False),
        nn.BatchNorm2d(outputs),
        nn.Conv2d(outputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Unit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.right = branch(channels // 2, channels // 2, 1)

    def forward(self, x):
        left, right = x.chunk(2, dim=1)
        return channel_shuffle(torch.cat((left, self.right(right)), dim=1), 2)


class Down(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, 2, 1, groups=inputs, bias=False), nn.Conv2d(inputs, outputs // 2, 1)
        )
        self.right = branch(inputs, outputs // 2, 2)

    def forward(self, x):
        return channel_shuffle(torch.cat((self.left(x), self.right(x)), dim=1), 2)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), Down(8, 16), Unit(16), Unit(16), Down(16, 32), Unit(32)
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.body(x).amax(dim=(2, 3)))
