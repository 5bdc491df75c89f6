"""PointNet (Qi et al., 2016): a learnt rotation of the cloud, one perceptron per point, the maximum over all."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class TNet(nn.Module):
    def __init__(self, k=3):
        super().__init__()
        self.k = k
        self.conv = nn.Conv1d(k, 16, 1)
        self.fc = nn.Linear(16, k * k)

    def forward(self, x):
        x = torch.max(F.relu(self.conv(x)), 2)[0]
        iden = torch.eye(self.k, dtype=x.dtype, device=x.device).flatten()[None]
        return (self.fc(x) + iden).view(-1, self.k, self.k)


class Model(nn.Module):
    def __init__(self, k=5):
        super().__init__()
        self.stn = TNet(3)
        self.conv1 = nn.Conv1d(3, 16, 1)
        self.conv2 = nn.Conv1d(16, 32, 1)
        self.bn1 = nn.BatchNorm1d(16)
        self.bn2 = nn.BatchNorm1d(32)
        self.fc = nn.Linear(32, k)

    def forward(self, x):
        # x: (B, 3, points)
        x = torch.bmm(self.stn(x), x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        x = torch.max(x, 2, keepdim=False)[0]
        return self.fc(x)
