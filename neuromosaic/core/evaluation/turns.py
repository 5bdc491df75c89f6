"""Pairs that are trained in turn: who follows which loss, and who holds still meanwhile.

Goodfellow et al., 2014, "Generative adversarial nets", algorithm 1, with one step of each.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from torch import nn

from neuromosaic.core.brief import Generative
from neuromosaic.core.errors import CandidateError
from neuromosaic.core.tasks import DISCRIMINATOR_LOSS, LOSS

PART: Final = "discriminator"
"""Parameters below this name follow the discriminator's loss, all others the network's own."""


class Turn(NamedTuple):
    """`loss`: the name of the scalar that is minimised; `held`: the parameters that hold still meanwhile."""

    loss: str
    held: Sequence[nn.Parameter] = ()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Inside, no gradient reaches who holds still, whatever the network detaches or not."""
        for parameter in self.held:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in self.held:
                parameter.requires_grad_(True)


def turns_of(module: nn.Module, generative: Generative | None) -> tuple[Turn, ...]:
    """The turns of one step of training: of a pair its discriminator's and then its generator's, else one for all.

    Raises CandidateError where a pair lacks one of the two.
    """
    if generative != "gan":
        return (Turn(LOSS),)
    trained = [(name, parameter) for name, parameter in module.named_parameters() if parameter.requires_grad]
    judging = [parameter for name, parameter in trained if name.partition(".")[0] == PART]
    making = [parameter for name, parameter in trained if name.partition(".")[0] != PART]
    if not judging or not making:
        missing = f"under `{PART}`" if not judging else f"besides those under `{PART}`"
        raise CandidateError(
            f"the network has no trainable parameters {missing}: a pair needs a generator and, by that name, a "
            "discriminator, which take turns",
            f"no-{PART}" if not judging else "no-generator",
        )
    return Turn(DISCRIMINATOR_LOSS, making), Turn(LOSS, judging)
