"""One of several processes that train one graph together: it never ran proposed Python, and rebuilds what it is sent.

It is not locked, for the processes speak to each other by the network of this machine.
"""

import contextlib
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.workers.conversation import HostGone, answer
from neuromosaic.core.workers.privileges import die_with_parent
from neuromosaic.core.workers.requests import requested
from neuromosaic.core.workers.wire import Channel

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def main(fd: str, parent: str, accelerator: str, rank: str, ranks: str, port: str) -> None:
    """Joins the others, and does one training."""
    die_with_parent(int(parent))
    os.environ |= {"LOCAL_RANK": rank, "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    if accelerator == "cpu" and sys.platform == "linux":
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"

    def work(message: Message, converse: Converse) -> Message:
        return train(requested(message), joined(accelerator, int(ranks)), converse)

    with socket.socket(fileno=int(fd)) as connection, contextlib.suppress(EOFError, OSError, HostGone):
        answer(Channel(connection, takes_files=True), work)


def joined(accelerator: str, ranks: int) -> "Fabric":
    """Returns as soon as all processes are there."""
    import torch
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import LightningEnvironment

    torch.set_num_threads(1)
    fabric = Fabric(accelerator=accelerator, devices=ranks, strategy="ddp", plugins=[LightningEnvironment()])
    fabric.launch()
    return fabric


def train(job: Job, fabric: "Fabric", converse: Converse) -> Message:
    """The result of a "train" job; only the first process speaks to the host, and hands over the weights."""
    import torch

    from neuromosaic.core.evaluation.shared_loop import SharedLoop
    from neuromosaic.core.graph.document import Graph
    from neuromosaic.core.graph.rebuild import rebuild
    from neuromosaic.core.workers import jobs

    def told(report: Message) -> Message:
        answers = dict.fromkeys(("stop", "keep"), False)
        if fabric.is_global_zero:
            answers |= converse(report).body
        flags = torch.tensor([float(answers[name]) for name in ("stop", "keep")], device=fabric.device)
        agreed = fabric.all_reduce(flags, reduce_op="sum")
        return Message(dict(zip(("stop", "keep"), (bool(flag) for flag in agreed), strict=True)))

    if not isinstance(job.subject, Graph):
        raise TypeError("graphs only are trained across devices")
    job.arguments["device"] = str(fabric.device)
    result = jobs.train(rebuild(job.subject), job, told, partial(SharedLoop, fabric))
    return result if fabric.is_global_zero else Message({})
