"""Recurrent classifier, unrolled by hand over nn.RNNCell."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, input_size=6, hidden_size=20, num_classes=4):
        super(Model, self).__init__()
        self.hidden_size = hidden_size
        self.cell = nn.RNNCell(input_size, hidden_size, nonlinearity="tanh")
        self.fc = nn.Linear(hidden_size, num_classes)
        self.hidden = None

    def init_hidden(self, batch_size, like):
        return torch.zeros(batch_size, self.hidden_size, device=like.device, dtype=like.dtype)

    def forward(self, x):
        # x: (batch, steps, input_size)
        self.hidden = self.init_hidden(x.size(0), like=x)
        hidden = self.hidden
        for t in range(x.size(1)):
            hidden = self.cell(x[:, t, :], hidden)
        self.hidden = hidden.detach()
        return self.fc(hidden)
