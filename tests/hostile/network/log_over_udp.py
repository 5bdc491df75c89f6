"""Logs to a server on the network, as the standard library can."""

import logging.handlers

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        handler = logging.handlers.DatagramHandler("127.0.0.1", int("@UDP_PORT@"))
        handler.emit(logging.makeLogRecord({"msg": "hello"}))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
