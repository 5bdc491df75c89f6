"""ConvLSTM (Shi et al., 2015) over short films; predicts the next frame."""

import torch
import torch.nn as nn


class ConvLSTMCell(nn.Module):
    def __init__(self, input_dim, hidden_dim, kernel_size):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.conv = nn.Conv2d(input_dim + hidden_dim, 4 * hidden_dim, kernel_size, padding=kernel_size // 2)

    def forward(self, x, state):
        h, c = state
        i, f, o, g = torch.split(self.conv(torch.cat([x, h], dim=1)), self.hidden_dim, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, c


class Model(nn.Module):
    def __init__(self, channels, hidden, kernel_size=3):
        super().__init__()
        self.cell = ConvLSTMCell(channels, hidden, kernel_size)
        self.out = nn.Conv2d(hidden, channels, 1)

    def forward(self, film):
        b, t, c, h, w = film.size()
        state = tuple(torch.zeros(b, self.cell.hidden_dim, h, w, device=film.device) for _ in range(2))
        for step in range(t):
            state = self.cell(film[:, step], state)
        return self.out(state[0])


def get_inputs():
    return [torch.rand(2, 4, 1, 8, 8)]


def get_init_inputs():
    return [1, 6]
