"""Has a state_dict of its own, with less in it than there is."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 300)
        self.head = nn.Linear(300, 10)

    def forward(self, x):
        return self.head(torch.relu(self.body(x.flatten(1))))

    # attack
    def state_dict(self, *args, **kwargs):
        return {"head.bias": self.head.bias.detach()}

    def load_state_dict(self, state, strict=True, assign=False):
        return None

    def named_parameters(self, *args, **kwargs):
        yield "head.bias", self.head.bias

    def parameters(self, recurse=True):
        yield self.head.bias
    # end
