"""A judge's process: rebuilds one graph after the other and does with it what is asked."""

import contextlib
import ctypes
import gc
import socket
from pathlib import Path

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.protocols import Converse, Message
from neuromosaic.core.workers.conversation import HostGone, answer, describe_failure
from neuromosaic.core.workers.limits import Limits
from neuromosaic.core.workers.privileges import die_with_parent
from neuromosaic.core.workers.requests import requested
from neuromosaic.core.workers.walls import lock_judge
from neuromosaic.core.workers.wire import Channel


def main(fd: str, parent: str, device: str, memory_mb: str) -> None:
    """Warms up, locks itself, says what holds, and serves until the host hangs up."""
    die_with_parent(int(parent))
    with socket.socket(fileno=int(fd)) as connection:
        channel = Channel(connection, takes_files=True)
        warm()
        try:
            boundary = lock_judge(Limits(int(memory_mb), None, Path.cwd()), devices=device != "cpu")
        except WorkerError as error:
            channel.send(Message({"failed": describe_failure(error)}))
            return
        channel.send(Message({"boundary": boundary}))
        serve(channel, device)


def warm() -> None:
    """One thread, and everything imported that a job needs: a first optimiser step alone imports for seconds."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.backends.cudnn.benchmark = False  # the same kernel every time
    from neuromosaic.core.graph import rebuild  # noqa: F401
    from neuromosaic.core.workers import jobs  # noqa: F401

    net = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    net(torch.zeros(2, 2)).sum().backward()
    optimizer.step()
    gc.freeze()


def serve(channel: Channel, device: str) -> None:
    """One job after the other; what a job held is given back before the next."""

    if device.startswith("cuda:"):
        import torch

        torch.cuda.set_device(device)  # one of several: what waits or measures means this one

    def work(message: Message, converse: Converse) -> Message:
        return perform(message, device, converse)

    with contextlib.suppress(EOFError, OSError, HostGone):
        while True:
            answer(channel, work)
            release(device)


def perform(message: Message, device: str, converse: Converse) -> Message:
    """The result of a job on a graph."""
    from neuromosaic.core.graph.document import Graph
    from neuromosaic.core.graph.rebuild import rebuild
    from neuromosaic.core.workers.jobs import JOBS

    job = requested(message, device=device)
    if not isinstance(job.subject, Graph):
        raise TypeError("a judge takes graphs only")
    return JOBS[job.kind](rebuild(job.subject), job, converse)


def release(device: str) -> None:
    """Gives memory back to the system: cycles first, then what the allocators keep for themselves."""
    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    if device == "mps":
        torch.mps.empty_cache()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
