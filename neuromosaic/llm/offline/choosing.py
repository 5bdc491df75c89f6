"""Chooses families: which kinds of network suit the data, and what one of them may cost."""

from neuromosaic.core.brief import Contract
from neuromosaic.core.role_inputs import FamilyInputs
from neuromosaic.core.space.parameters import Point
from neuromosaic.llm.offline.catalogue import CATALOGUE
from neuromosaic.llm.offline.costing import Cost, parameters, within
from neuromosaic.llm.offline.family import Family
from neuromosaic.llm.offline.planning import training_seconds
from neuromosaic.llm.offline.recipes import usual_epochs
from neuromosaic.llm.offline.symmetries import Symmetry, demanded
from neuromosaic.llm.offline.wishes import unwanted, wished
from neuromosaic.llm.offline.writing import adapted

CALL_MS = 0.025
"""What one layer costs in time, however small, on a CPU."""

CPU_SHARE, ACCELERATOR_SHARE = 0.25, 0.05
"""Of the measured matrix-product speed, what training small networks reaches."""

_LARGE_IMAGES = ("ResNet", "MobileNet", "ConvNeXt", "small CNN")
_SMALL_IMAGES = ("small CNN", "ResNet", "MobileNet", "ConvNeXt")
_TINY_IMAGES = ("residual MLP", "MLP", "small CNN")

FEW_PIXELS = 16
"""The side of an image below which a perceptron sees it as well as convolutions do."""


def ranking(inputs: FamilyInputs) -> list[Family]:
    """The families for this kind of data, best suited first; those that cannot keep the limits last, by size.

    Only those that the brief names, where one of them can keep the limits, and none that it rules out, where another
    is left.
    """
    contract, limit = inputs.contract, hard_limit(inputs)
    order = _order(inputs)
    suited = _suited(contract, demanded(inputs.brief, contract))
    suited.sort(key=lambda family: order.index(family.name) if family.name in order else len(order))
    ordered = sorted(suited, key=lambda family: _excess(family, contract, limit))
    left = [family for family in ordered if family.name not in unwanted(inputs.brief)] or ordered
    named = [family for family in left if family.name in wished(inputs.brief)]
    return [family for family in named if not _excess(family, contract, limit)] or left


def smallest(contract: Contract, blind_to: frozenset[Symmetry] = frozenset()) -> int:
    """Parameters of the smallest network that any family has for the contract."""
    return min(parameters(family, contract, _smallest(family, contract)) for family in _suited(contract, blind_to))


def _suited(contract: Contract, blind_to: frozenset[Symmetry]) -> list[Family]:
    """All for this kind of data, or of these what is blind to all that it must not see; every text model is blind to
    what stands behind the end."""
    fitting = [family for family in CATALOGUE if family.suits(contract)]
    wanted = blind_to - {"padding"}
    return [family for family in fitting if (wanted <= set(family.blind_to) if wanted else not family.special)]


def _order(inputs: FamilyInputs) -> tuple[str, ...]:
    contract, limits = inputs.contract, inputs.brief.constraints
    if contract.task == "generation":
        if contract.generative == "autoregressive":
            return ("PixelCNN", "MADE")  # convolutions know no more than what is before, and less to learn
        small = contract.kind != "image" or min(contract.input.shape[-2:]) < FEW_PIXELS
        dense = ("VAE", "diffusion MLP", "GAN")
        convolutional = ("convolutional VAE", "diffusion U-Net", "convolutional GAN")
        return (*dense, *convolutional) if small else (*convolutional, *dense)
    if contract.kind == "image":
        side = min(contract.input.shape[-2:])
        order = _TINY_IMAGES if side < 4 else _SMALL_IMAGES if side < 48 else _LARGE_IMAGES
        return ("MobileNet", *order) if limits.flops is not None and side >= 24 else order
    if contract.kind == "tabular":
        return ("residual MLP", "MLP") if inputs.data.train < 2_000 else ("periodic MLP", "residual MLP")
    if contract.kind == "text":
        return ("GRU", "Transformer", "TCN") if contract.task == "language_modelling" else ("TCN", "GRU")
    return ("TCN", "GRU", "Transformer", "residual MLP", "GNN")


def _excess(family: Family, contract: Contract, limit: Cost) -> float:
    """0 where the family can keep the limits, else the parameters of its smallest network."""
    point = _smallest(family, contract)
    return 0.0 if within(family, contract, point, limit) else parameters(family, contract, point)


def _smallest(family: Family, contract: Contract) -> Point:
    family = adapted(family, contract)
    return {**family.values, "width": family.width.least, "depth": family.depth.least}


def hard_limit(inputs: FamilyInputs) -> Cost:
    """What the brief's constraints allow a network."""
    limits = inputs.brief.constraints
    by_memory = float("inf") if limits.memory_mb is None else limits.memory_mb * 1e6 / 8
    return Cost(
        parameters=min(_or_infinite(limits.parameters), by_memory),
        flops=_or_infinite(limits.flops),
        calls=_or_infinite(limits.latency_ms) / CALL_MS,
    )


def sensible_size(inputs: FamilyInputs) -> Cost:
    """What the data can teach and the machine can train in time: no constraint, but a larger network is a waste."""
    hardware, data = inputs.hardware, inputs.data
    seconds = training_seconds(inputs.brief, hardware, data)
    reached = CPU_SHARE if hardware.device == "cpu" else ACCELERATOR_SHARE
    # a backward pass costs about twice a forward one
    passes = 3 * max(1, data.train) * usual_epochs(data)
    return Cost(parameters=max(30_000, 30 * data.train), flops=seconds * reached * hardware.gflops * 1e9 / passes)


def _or_infinite(limit: float | None) -> float:
    return float("inf") if limit is None else limit
