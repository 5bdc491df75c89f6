"""Examples too many for memory, read batch by batch from a file. Runs in a worker."""

import math
import os
from collections.abc import Sequence

import torch
from torch import Tensor

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.evaluation.layout import Arrange
from neuromosaic.core.graph.document import ITEM_SIZES, FileData

LARGEST_READ = 2**30  # bytes; Linux reads no more than twice as much at once
HELD_SHARE = 3  # of an accelerator's free memory one part in so many may hold the examples


class Streamed:
    """Examples [n, ...] in a file: what is asked for is read, brought to `device` and into order by `arrange`.

    No thread reads ahead, for a locked worker has one: the system is told which rows come next (`expect`), and has
    them in its cache by then.
    """

    def __init__(self, file: FileData, device: str, arrange: Arrange) -> None:
        self.descriptor, self.count, self.shape = file.descriptor, file.shape[0], file.shape[1:]
        self.device, self.dtype, self.arrange = torch.device(device), getattr(torch, file.dtype), arrange
        self.size = math.prod(self.shape) * ITEM_SIZES[file.dtype]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """A tensor [rows, ...], as `arrange(x.to(device))[rows]` of the whole. Raises WorkerError where it ends."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.count)
            read = self._read([(start, stop - start)])
        else:
            read = self._read([(row, 1) for row in rows.tolist()])
        return self.arrange(read.to(self.device))

    def expect(self, rows: Tensor) -> None:
        """Lets the system read these rows while something else is computed."""
        if hasattr(os, "posix_fadvise"):
            for row in rows.tolist():
                os.posix_fadvise(self.descriptor, row * self.size, self.size, os.POSIX_FADV_WILLNEED)

    def whole(self) -> Tensor:
        """All of them on the device."""
        held = torch.zeros((self.count, *self.shape), dtype=self.dtype, device=self.device)
        rows = max(1, LARGEST_READ // max(1, self.size))
        for start in range(0, self.count, rows):
            held[start : start + rows] = self._read([(start, min(rows, self.count - start))]).to(self.device)
        return self.arrange(held)

    def _read(self, runs: Sequence[tuple[int, int]]) -> Tensor:
        """Runs of (first row, rows), one after the other."""
        out = torch.zeros((sum(count for _, count in runs), *self.shape), dtype=self.dtype)
        view, place = out.reshape(-1).view(torch.uint8).numpy().data, 0
        for first, count in runs:
            self._fill(view[place : place + count * self.size], first * self.size)
            place += count * self.size
        return out

    def _fill(self, view: memoryview, offset: int) -> None:
        while len(view):
            got = os.preadv(self.descriptor, [view[:LARGEST_READ]], offset)
            if not got:
                raise WorkerError("the file of the examples ends too early", "crash")
            view, offset = view[got:], offset + got


Examples = Tensor | Streamed


def on_device(x: Tensor | FileData, device: str, arrange: Arrange) -> Examples:
    """Examples where they are trained on: a tensor on the device, or streamed where its memory does not hold them."""
    if isinstance(x, Tensor):
        return arrange(x.to(device))
    streamed = Streamed(x, device, arrange)
    return streamed.whole() if _holds(streamed) else streamed


def some_of(x: Tensor | FileData, count: int, device: str) -> Tensor:
    """The first examples, as they are."""
    return x[:count].to(device) if isinstance(x, Tensor) else Streamed(x, device, lambda held: held)[:count]


def spread(x: Examples) -> float:
    """The standard deviation of all values, the same to the last bit wherever they lie."""
    rows = max(1, 2**22 // max(1, x[:1].numel()))
    count, total, squares = 0, 0.0, 0.0
    for start in range(0, len(x), rows):
        block = x[start : start + rows].double()
        count, total, squares = (
            count + block.numel(),
            total + float(block.sum()),
            squares + float(block.square().sum()),
        )
    return math.sqrt(max(0.0, squares / count - (total / count) ** 2))


def _holds(streamed: Streamed) -> bool:
    if streamed.device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(streamed.device)
    return streamed.count * streamed.size < free // HELD_SHARE
