"""Acts while its class is being made, by a metaclass that reads a secret."""

import linecache

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
class Meta(type):
    def __prepare__(name, bases):
        raise ValueError(linecache.getline("@SECRET_FILE@", 1))

class Layer(metaclass=Meta):
    pass
# end
