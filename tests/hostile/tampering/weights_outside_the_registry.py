"""Keeps its weights in a list of its own, which nothing counts and nothing trains."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 300)
        self.head = nn.Linear(300, 10)
        # attack
        body = self.body
        del self.body
        self.__dict__["body"] = body.requires_grad_(True)
        head = self.head
        self.head = nn.Linear(10, 10)
        self.__dict__["last"] = head
        # end

    def forward(self, x):
        # attack
        return self.head(self.__dict__["last"](torch.relu(self.__dict__["body"](x.flatten(1)))))
        # end
        return self.head(torch.relu(self.body(x.flatten(1))))
