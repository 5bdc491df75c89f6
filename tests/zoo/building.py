"""A specimen's text becomes a module and its inputs, with plain PyTorch: nothing of ours that could hide a fault."""

import functools
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from tests.zoo.catalogue import Specimen

MODELS = Path(__file__).parent / "models"
DTYPES = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}


def good_source(specimen: Specimen) -> str:
    return (MODELS / f"{specimen.name}.py").read_text(encoding="utf-8")


def twin_source(specimen: Specimen) -> str:
    """The good one with its fault planted."""
    return good_source(specimen).replace(specimen.twin.old, specimen.twin.new)


def namespace(source: str) -> ModuleType:
    """The source, imported. Dataclasses look for their module among the imported ones."""
    module = ModuleType("specimen")
    sys.modules["specimen"] = module
    exec(compile(source, "specimen.py", "exec"), module.__dict__)
    return module


def build(source: str, specimen: Specimen, seed: int = 0) -> nn.Module:
    """In train mode, after one pass in eval mode where layers are lazy."""
    found = namespace(source)
    torch.manual_seed(seed)
    arguments = getattr(found, "get_init_inputs", list)()
    return found.Model(*arguments, **specimen.init)  # type: ignore[no-any-return]


def examples(specimen: Specimen) -> int:
    """Four; two of very large inputs."""
    largest = max((math.prod(sizes_of(text.partition(":")[0])) for text in specimen.inputs), default=0)
    return 2 if largest > 10**6 else 4


def draw(specimen: Specimen, source: str, batch: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Stated inputs from a standard normal, ids evenly, flags evenly; else those of the file's own factory."""
    if not specimen.inputs:
        torch.manual_seed(seed)
        return tuple(namespace(source).get_inputs())
    return tuple(x.clone() for x in _drawn(specimen.inputs, batch, seed))


@functools.lru_cache(maxsize=4)
def _drawn(stated: tuple[str, ...], batch: int, seed: int) -> tuple[Tensor, ...]:
    torch.manual_seed(seed)
    return tuple(_draw(text, batch) for text in stated)


def _draw(text: str, batch: int) -> Tensor:
    shape, _, kind = text.partition(":")
    dtype, _, upper = (kind or "float32").partition("<")
    sizes = (batch, *sizes_of(shape))
    if dtype == "int64":
        return torch.randint(0, int(upper), sizes)
    return torch.rand(sizes) < 0.5 if dtype == "bool" else torch.randn(sizes)


def sizes_of(shape: str) -> tuple[int, ...]:
    """ "3x32x32" as sizes, without the batch."""
    return tuple(int(size) for size in shape.split("x"))


def answer(module: nn.Module, inputs: tuple[Tensor, ...], seed: int = 0) -> Any:
    """What it returns in eval mode, without gradients, after a seed."""
    torch.manual_seed(seed)
    with torch.no_grad():
        return module.eval()(*(x.clone() for x in inputs))


def tensors(outputs: Any) -> list[Tensor]:
    """Whatever tensors were returned, in order."""
    return [leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)]
