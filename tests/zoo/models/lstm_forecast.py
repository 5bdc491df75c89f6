"""Forecast of the next values of a series from its past, by an LSTM."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, features: int = 3, hidden: int = 16, horizon: int = 2):
        super().__init__()
        self.lstm = nn.LSTM(input_size=features, hidden_size=hidden, num_layers=2, batch_first=True)
        self.fc = nn.Linear(hidden, horizon)
        self._init_weights()

    def _init_weights(self):
        for name, param in self.lstm.named_parameters():
            if "weight_hh" in name:
                nn.init.orthogonal_(param)
            elif "bias" in name:
                nn.init.zeros_(param)
                with torch.no_grad():
                    param[param.numel() // 4 : param.numel() // 2].fill_(1.0)  # the forget gate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, (h_n, c_n) = self.lstm(x)  # (batch, time, hidden)
        return self.fc(out[:, -1, :])
