"""One kind of network that the offline designer knows."""

from dataclasses import dataclass, field
from typing import Literal

from neuromosaic.core.brief import Contract, Generative, Task
from neuromosaic.core.space.parameters import CategoricalParameter, Point, Space
from neuromosaic.core.tasks import SPECIAL
from neuromosaic.llm.offline.symmetries import Symmetry

Kind = Literal["image", "tabular", "sequence", "text", "graph"]

ACTIVATION = CategoricalParameter(values=("relu", "gelu", "silu"))
"""What most families choose from."""


@dataclass(frozen=True)
class Range:
    """Integers `least`, least + `step`, ... `most`; `usual` is where a fit starts."""

    least: int
    usual: int
    most: int
    step: int = 1


@dataclass(frozen=True)
class Family:
    """One kind of network.

    `opening`: the first words of its module docstring. `width.usual` is the width below which a shallower network
    is the better use of the parameters. `values` are the defaults of the other arguments; `options` are searched
    from the first round on, `later` ones once the family has shown its worth. `merit` says why one would take it.
    `blind_to` what it does not see by its structure; a `special` one is taken only where that is demanded.
    `positions`: the tasks that it can do and not every family can, such as those with an answer for each position;
    `pooled`: whether it can do the others. `generative`: how it makes examples, where it does.
    """

    name: str
    template: str
    opening: str
    kinds: tuple[Kind, ...]
    width: Range
    depth: Range
    values: Point
    options: Space
    merit: str
    later: Space = field(default_factory=dict)
    recurrent: bool = False
    blind_to: tuple[Symmetry, ...] = ()
    special: bool = False
    positions: tuple[Task, ...] = ()
    pooled: bool = True
    generative: Generative | None = None

    def suits(self, contract: Contract) -> bool:
        """Whether it reads this kind of data, and gives the answers that the task wants."""
        answers = contract.task in self.positions if contract.task in SPECIAL else self.pooled
        return contract.kind in self.kinds and answers and contract.generative == self.generative
