"""A training put away and taken up again, to the last bit as if it had gone on. Runs in a worker."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Optimizer

if TYPE_CHECKING:
    from neuromosaic.core.evaluation.loop import Loop

State = dict[str, Tensor]
"""Everything that a training holds, by name, on the CPU; no pickle is needed to keep it."""

VERSION = 3  # of the state that `random.Random` tells


def put_away(loop: "Loop", kept: State | None, seconds: float) -> State:
    """Weights, the optimiser's moments, the generators, float16's scale, how far it came, and the weights that were
    `kept`."""
    parts = {
        "module": loop.module.state_dict(), "optimizer": _moments(loop.optimizer), "kept": kept or {},
        "generator": _generators(loop), "progress": {"steps": torch.tensor(loop.done), "seconds": _double(seconds)},
    }  # fmt: skip
    if loop.average is not None:
        values = {str(number): value for number, value in enumerate(loop.average.values)}
        parts["average"] = {"steps": torch.tensor(loop.average.steps), **values}
    if loop.scaling is not None:
        parts["scaling"] = loop.scaling.state()
    return {f"{part}/{name}": _copied(tensor) for part, named in parts.items() for name, tensor in named.items()}


def take_up(loop: "Loop", state: State) -> tuple[State | None, float]:
    """Brings a fresh loop where the one was that `put_away` saw; returns what it had kept and its seconds."""
    loop.module.load_state_dict(_part(state, "module"))
    _restore_moments(loop.optimizer, _part(state, "optimizer"))
    _restore_generators(loop, _part(state, "generator"))
    if loop.average is not None:
        saved = _part(state, "average")
        loop.average.steps = int(saved.pop("steps"))
        for number, value in saved.items():
            loop.average.values[int(number)].copy_(value)
    if loop.scaling is not None:
        loop.scaling.restore(_part(state, "scaling"))
    loop.done = int(state["progress/steps"])
    return _part(state, "kept") or None, float(state["progress/seconds"])


def _moments(optimizer: Optimizer) -> State:
    known = optimizer.state_dict()["state"]
    return {
        f"{number}/{name}": value
        for number, moments in known.items()
        for name, value in moments.items()
        if isinstance(value, Tensor)
    }


def _restore_moments(optimizer: Optimizer, saved: State) -> None:
    """A moment gets its parameter's memory layout: a fused step reads both in the order in which they lie."""
    listed = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name, value in saved.items():
        number, _, moment = name.partition("/")
        parameter = listed[int(number)]
        alike = value.shape == parameter.shape
        held = torch.empty_like(parameter, dtype=value.dtype) if alike else torch.empty_like(value)
        optimizer.state[parameter][moment] = held.copy_(value).detach()


def _generators(loop: "Loop") -> State:
    found = {"torch": _default_state(loop.x.device), "shuffle": loop.shuffling.get_state()}
    found["augment"] = loop.changing.get_state()
    if loop.mixing is not None:
        found["mixup"] = torch.tensor(loop.mixing.getstate()[1])
    return found


def _restore_generators(loop: "Loop", saved: State) -> None:
    loop.shuffling.set_state(saved["shuffle"])
    loop.changing.set_state(saved["augment"])
    if loop.mixing is not None:
        loop.mixing.setstate((VERSION, tuple(saved["mixup"].tolist()), None))
    if loop.x.device.type == "cuda":
        torch.cuda.set_rng_state(saved["torch"], loop.x.device)
    else:
        torch.set_rng_state(saved["torch"])


def _default_state(device: torch.device) -> Tensor:
    """Of the generator that dropout draws from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _double(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)


def _part(state: State, part: str) -> State:
    return {name.partition("/")[2]: tensor for name, tensor in state.items() if name.startswith(f"{part}/")}
