"""The host's side of one worker process: how it is started, and how it ends."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import neuromosaic
from neuromosaic.core.errors import WorkerError
from neuromosaic.core.workers import bubblewrap
from neuromosaic.core.workers.clearing import clear_at_once
from neuromosaic.core.workers.conversation import WorkerGone

T = TypeVar("T")

PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "SYSTEMROOT")
"""All that a worker sees of the host's environment."""

BOOTSTRAP: Final = """
import sys
root, module, *arguments = sys.argv[1:]
sys.path.insert(0, root)
import neuromosaic
sys.path.remove(root)
import importlib
importlib.import_module(module).main(*arguments)
"""
"""Finds the package also where it is not installed, and leaves nothing else of its folder importable."""

_spawner = ThreadPoolExecutor(1, thread_name_prefix="spawn")
"""Linux kills a worker when the *thread* that started it ends: this one lives as long as the process."""


def submit(pool: ThreadPoolExecutor, work: Callable[[], T]) -> Future[T]:
    """Raises WorkerError "setup" where the program is at its end: Python begins nothing any more."""
    try:
        return pool.submit(work)
    except RuntimeError as error:
        raise WorkerError(f"no worker is started any more: {error}", "setup") from error


class WorkerProcess:
    """A Python process that runs `module.main(fd, parent_pid, *arguments)`; of the host it holds `socket` alone.

    It has its own session, an environment without the host's variables, an empty folder as its home, and no way to
    print: its standard output goes nowhere, its standard error to a file in `folder`. `inside`: within bubblewrap,
    where its folder is another one. `user`: the id of the user that it runs as, None for our own.
    """

    def __init__(self, module: str, *arguments: str, inside: bool = False, user: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="neuromosaic-"))
        home = Path(bubblewrap.FOLDER) if inside else self.folder
        if user is not None:
            os.chown(self.folder, user, user)
        self.socket, theirs = socket.socketpair()
        try:
            with theirs:
                command = _command(module, arguments, theirs.fileno(), inside)
                start = Start(command, self.folder, worker_environment(home), theirs.fileno(), user)
                self._process = submit(_spawner, partial(_start, start)).result()
        except WorkerError:
            self.socket.close()
            shutil.rmtree(self.folder)
            raise
        self._end = weakref.finalize(self, _end, self._process, self.socket, self.folder)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """The last line of its standard error; empty where it said nothing."""
        with contextlib.suppress(OSError):
            lines = (self.folder / "stderr").read_text(errors="replace").strip().splitlines()
            return lines[-1][:300] if lines else ""
        return ""

    def exit_code(self, patience: float = 1.0) -> int | None:
        """Negative for a signal; waits up to `patience` seconds for it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(patience)
        return None

    def kill(self) -> None:
        """Ends its whole process group and removes its folder. May be called twice."""
        self._end()


def worker_environment(folder: Path) -> dict[str, str]:
    """What a worker's environment holds: no key of the host, one thread, and the same hashes every time."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }  # fmt: skip


def death(exit_code: int | None, gone: WorkerGone) -> WorkerError:
    """What a worker died of, by its exit code: negative for a signal, None where it is not known."""
    if exit_code is None or exit_code == 0:
        return WorkerError(f"the process ended before its job did: {gone}", "crash")
    if exit_code > 0:
        return WorkerError(f"the process ended itself with exit code {exit_code}", "crash")
    if -exit_code == signal.SIGXCPU:
        return WorkerError("it used up its processor time: stopped", "timeout")
    if -exit_code == signal.SIGXFSZ:
        return WorkerError("it wrote more files, or larger ones, than a worker may: stopped", "crash")
    if -exit_code == signal.SIGKILL:
        return WorkerError("the system killed the process, most likely for want of memory", "memory")
    return WorkerError(f"the process died of {signal.Signals(-exit_code).name}", "crash")


class Start(NamedTuple):
    """What is to be started, and with what."""

    command: list[str]
    folder: Path
    environment: dict[str, str]
    fd: int
    user: int | None


def _command(module: str, arguments: tuple[str, ...], fd: int, inside: bool) -> list[str]:
    root = str(Path(neuromosaic.__file__).parents[1])
    before, parent = (bubblewrap.prefix(), bubblewrap.PARENT) if inside else ([], os.getpid())
    return [*before, sys.executable, "-s", "-P", "-c", BOOTSTRAP, root, module, str(fd), str(parent), *arguments]


def _start(start: Start) -> subprocess.Popen[bytes]:
    with (start.folder / "stderr").open("wb") as stderr:
        try:
            return subprocess.Popen(
                start.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                pass_fds=[start.fd], cwd=start.folder, env=start.environment, start_new_session=True,
                user=start.user, group=start.user, extra_groups=None if start.user is None else [],
            )  # fmt: skip
        except OSError as error:
            raise WorkerError(f"cannot start a worker process: {error.strerror}", "setup") from None


def _end(process: subprocess.Popen[bytes], connection: socket.socket, folder: Path) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    connection.close()
    clear_at_once(folder)
