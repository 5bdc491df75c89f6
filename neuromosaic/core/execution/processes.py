"""Trials in processes of their own, freshly started: one that crashes or hangs harms no other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from neuromosaic.core.errors import ExecutorError
from neuromosaic.core.execution.failure import Failure
from neuromosaic.core.execution.stream import Finished, overdue, streamed
from neuromosaic.core.execution.worker import READY

WORKER = "neuromosaic.core.execution.worker"
STARTING = 120.0  # seconds that a worker may take to start and load the function, on top of the trial's own
GRACE = 1.0  # for a process whose connection has closed to end by itself


class ProcessExecutor:
    """`max_workers` processes, kept from trial to trial; the user's code travels by cloudpickle.

    One that takes longer than `trial_timeout` seconds over a trial is killed with all it started. Raises
    ExecutorError where no process can be started, or the function cannot travel.
    """

    name = "processes"

    def __init__(self, max_workers: int = 2, trial_timeout: float | None = None) -> None:
        self.max_workers, self._timeout = max_workers, trial_timeout
        self._workers: list[_Worker] = []

    def execute_trials(
        self, trial_fn: Callable[[Any], Any], configs: Iterable[Any]
    ) -> Iterator[tuple[Any, Any | Failure]]:
        function = packed("the trial's function", trial_fn)
        return streamed(configs, self.max_workers, lambda config: self._submit(function, config), self._collect)

    def _submit(self, function: bytes, config: Any) -> None:
        worker = next((one for one in self._workers if one.config is None), None)
        if worker is None:
            worker = _Worker()
            self._workers.append(worker)
        worker.begin(function, config)

    def _collect(self) -> Finished:
        while True:
            busy = {worker.talk: worker for worker in self._workers if worker.config is not None}
            ready = wait(list(busy), self._patience(list(busy.values())))
            if not ready:
                worker = min(busy.values(), key=lambda one: one.begun)
                worker.kill()
                return self._ended(worker, overdue(self._timeout or 0.0))
            worker = busy[ready[0]]  # type: ignore[index]
            result = worker.answer()
            if not (isinstance(result, str) and result == READY):
                return self._ended(worker, result)
            worker.begun = time.monotonic()

    def _ended(self, worker: _Worker, result: Any) -> Finished:
        if worker.process.returncode is not None:
            self._workers.remove(worker)
        return worker.end(), result

    def _patience(self, busy: list[_Worker]) -> float | None:
        if self._timeout is None:
            return None
        return max(0.0, min(one.begun for one in busy) + self._timeout - time.monotonic())

    def shutdown(self) -> None:
        """Kills the workers."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()


class _Worker:
    """One process, and what it is busy with (in a tuple, as a config may be None)."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        with there:
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", WORKER, str(there.fileno()), str(os.getpid())],
                    pass_fds=[there.fileno()], start_new_session=True, env=_environment(),
                )  # fmt: skip
            except OSError as error:
                here.close()
                raise ExecutorError(f"cannot start a process: {error.strerror}") from None
        self.talk = Connection(here.detach())
        self.config: tuple[Any] | None = None
        self.begun = 0.0
        self._function = b""
        self.talk.send_bytes(packed("sys.path", sys.path))

    def begin(self, function: bytes, config: Any) -> None:
        body = packed("a config", config)
        is_loaded = function == self._function
        self.config, self.begun = (config,), time.monotonic() + (0.0 if is_loaded else STARTING)
        try:
            self._send(function, body)
        except OSError:
            return  # it died while idle: `answer` finds that out

    def _send(self, function: bytes, body: bytes) -> None:
        if function != self._function:
            self.talk.send_bytes(packed("the trial's function", ("function", function)))
            self._function = function
        self.talk.send_bytes(packed("a config", ("config", body)))

    def end(self) -> Any:
        """The config that it was busy with."""
        config, self.config = self.config, None
        return config[0] if config else None

    def answer(self) -> Any:
        """What it sent; where it died instead, how."""
        import cloudpickle

        try:
            return cloudpickle.loads(self.talk.recv_bytes())
        except (EOFError, OSError):
            code = self._ended()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            return Failure("crash", f"the worker process ended with {how}")

    def _ended(self) -> int:
        try:
            code = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            code = 0
        self.kill()
        return code

    def kill(self) -> None:
        """Ends it with all it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.talk.close()


def _environment() -> dict[str, str]:
    """The package is found where it was found here, whatever the working directory."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, known] if known else [package])}


def packed(what: str, value: Any) -> bytes:
    """The user's own code or data as bytes. Raises ExecutorError where it cannot travel."""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value))
    except Exception as error:  # what pickling raises depends on the object
        raise ExecutorError(f"{what} cannot travel to workers: {type(error).__name__}: {error}") from error
