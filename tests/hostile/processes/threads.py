"""Leaves a thread behind that sends on when its turn is over."""

import socket
import threading
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        def later():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", int("@TCP_PORT@")), 1)
                except OSError:
                    time.sleep(0.01)

        threading.Thread(target=later, daemon=True).start()
        time.sleep(0.2)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
