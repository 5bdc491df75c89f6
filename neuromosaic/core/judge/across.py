"""One training across several devices or processes of this machine, by Lightning Fabric (extra `fabric`)."""

import importlib.util
import socket
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from neuromosaic.core.errors import UsageError, WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.workers.conversation import WorkerGone, WorkerLate, hold
from neuromosaic.core.workers.process import WorkerProcess, death
from neuromosaic.core.workers.requests import request
from neuromosaic.core.workers.wire import Channel


class AcrossDevices:
    """A judge for the one job "train", done by `devices` processes with a device each; on "cpu" a thread each.

    Raises UsageError where the extra is missing, or there are not so many devices.
    """

    def __init__(self, devices: int, accelerator: str) -> None:
        if importlib.util.find_spec("lightning_fabric") is None:
            raise UsageError("--devices above 1 trains by Lightning Fabric: pip install 'neuromosaic[fabric]'")
        _check_there(devices, accelerator)
        self._devices, self._accelerator = devices, accelerator

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        """The result of the first process; raises as a judge does, and ends the others where one fails."""
        if job.kind != "train" or not isinstance(job.subject, Graph):
            raise ValueError("across devices graphs are trained, and nothing else is done")
        asked, port = request(job), _free_port()
        processes = [self._start(rank, port) for rank in range(self._devices)]
        try:
            with ThreadPoolExecutor(self._devices) as pool:
                results = [
                    pool.submit(_held, process, asked, None if rank else converse, job.timeout)
                    for rank, process in enumerate(processes)
                ]
                done, _ = wait(results, return_when=FIRST_EXCEPTION)
                if any(one.exception() for one in done):
                    for process in processes:
                        process.kill()
                first = next((one for one in done if one.exception()), results[0])
                return first.result()
        finally:
            for process in processes:
                process.kill()

    def warm_up(self) -> None:
        """Nothing is kept warm: the processes of each training are its own."""

    def close(self) -> None:
        """Nothing is left open."""

    def _start(self, rank: int, port: int) -> WorkerProcess:
        told = (self._accelerator, str(rank), str(self._devices), str(port))
        return WorkerProcess("neuromosaic.core.judge.member", *told)


def _held(process: WorkerProcess, asked: Message, converse: Converse | None, timeout: float) -> Message:
    channel = Channel(process.socket)
    channel.deadline = time.monotonic() + timeout
    try:
        return hold(channel, asked, converse)
    except WorkerLate:
        raise WorkerError(f"not done after {timeout:g} s: stopped", "timeout") from None
    except WorkerGone as gone:
        raise death(process.exit_code(), gone) from None


def _check_there(devices: int, accelerator: str) -> None:
    if accelerator not in _COUNTS:
        raise UsageError(f"accelerator: {accelerator!r} is unknown across devices; use {' or '.join(_COUNTS)}")
    there = _COUNTS[accelerator]()
    if not 1 <= devices <= there:
        raise UsageError(f"devices: {devices} asked for; of {accelerator} this machine has {there}")


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _cores() -> int:
    from neuromosaic.core.evaluation.hardware import cores

    return cores()


_COUNTS: dict[str, Callable[[], int]] = {"cuda": _gpus, "cpu": _cores}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
