"""A paused training, as the host keeps it: in a folder, until it goes on or nobody wants it any more."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neuromosaic.core.errors import DataError, UsageError
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.tensors import from_numpy, from_torch, to_numpy, to_torch

STATE = "state/"  # before the names of what a worker holds, in a message
FILE = "paused.safetensors"
HOST = "host"  # the entry of the file's own JSON
OUTPUTS = "host/best_outputs"

Row = dict[str, float]


@dataclass(frozen=True)
class Checkpoint:
    """`state` is the worker's, the rest is what the host had noted of it.

    `accumulate`: the parts of a batch that it trained with, more than the recipe's where memory had run out.
    """

    accumulate: int
    curve: list[Row]
    best: Row
    best_outputs: NDArray[Any] | None = field(repr=False)
    state: dict[str, TensorData] = field(repr=False)

    @property
    def epochs(self) -> int:
        return len(self.curve)


def keep(checkpoint: Checkpoint, key: str, folder: Path) -> None:
    """Writes it down in one step: a kill leaves the earlier one or this one, never half of one.

    `key` tells which training it is.
    """
    from safetensors.torch import save_file

    tensors = dict(checkpoint.state)
    if checkpoint.best_outputs is not None:
        tensors[OUTPUTS] = from_numpy(checkpoint.best_outputs)
    told = {"key": key} | {name: getattr(checkpoint, name) for name in ("accumulate", "curve", "best")}
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{FILE}.{os.getpid()}"
    values = {name: to_torch(tensor) for name, tensor in tensors.items()}
    save_file(values, fresh, metadata={HOST: json.dumps(told)})
    fresh.replace(folder / FILE)


def is_there(folder: Path) -> bool:
    """Whether a training is paused in the folder."""
    return (folder / FILE).exists()


def find(folder: Path, key: str) -> Checkpoint | None:
    """The training of that key that was paused here, if any.

    Raises UsageError where another one was, DataError where the file cannot be read.
    """
    if not is_there(folder):
        return None
    written, found = _read(folder / FILE)
    if written != key:
        raise UsageError(f"checkpoint: {folder} holds another training; give each trial a folder of its own")
    return found


def forget(folder: Path) -> None:
    """Once nothing is to go on from it."""
    (folder / FILE).unlink(missing_ok=True)


def _read(file: Path) -> tuple[str, Checkpoint]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            told = json.loads((opened.metadata() or {})[HOST])
            tensors = {name: from_torch(opened.get_tensor(name)) for name in opened.keys()}  # noqa: SIM118
        outputs = tensors.pop(OUTPUTS, None)
        key, best_outputs = told.pop("key"), None if outputs is None else to_numpy(outputs)
        return key, Checkpoint(**told, best_outputs=best_outputs, state=tensors)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"checkpoint: {file} cannot be read ({error}); delete it to train from the start") from None
