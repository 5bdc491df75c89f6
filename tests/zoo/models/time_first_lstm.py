"""A recurrent tagger that takes time first, (T, B, F), as nn.LSTM does unless told otherwise."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, input_size, hidden_size, tags, num_layers=1):
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, bidirectional=True)
        self.h0 = nn.Parameter(torch.zeros(2 * num_layers, 1, hidden_size))
        self.c0 = nn.Parameter(torch.zeros(2 * num_layers, 1, hidden_size))
        self.hidden2tag = nn.Linear(2 * hidden_size, tags)

    def forward(self, x):
        batch = x.size(1)
        state = self.h0.repeat(1, batch, 1), self.c0.repeat(1, batch, 1)
        out, _ = self.lstm(x, state)
        return self.hidden2tag(out)  # (T, B, tags)


steps = 9
batch_size = 5


def get_inputs():
    return [torch.randn(steps, batch_size, 4)]


def get_init_inputs():
    return [4, 10, 6]
