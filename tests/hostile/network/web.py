"""Fetches a page over HTTP."""

import urllib.request

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        urllib.request.urlopen("http://127.0.0.1:@TCP_PORT@/", timeout=0.5)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
