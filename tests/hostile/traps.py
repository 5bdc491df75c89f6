"""What the host lays out before an attempt, and looks at afterwards: it believes nothing that the attempt says.

A secret in a file, in the environment and in the memory of a process; a file and a folder that must stay as they are;
listening sockets that must not hear anything; a process that must live and be left alone.
"""

import contextlib
import ctypes
import gc
import os
import resource
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from neuromosaic.core.workers import wire

VICTIM: Final = """
import ctypes, os, signal, sys
secret = ctypes.create_string_buffer(os.environ["HOSTILE_SECRET"].encode())
for number in (signal.SIGUSR1, signal.SIGINT):
    signal.signal(number, lambda *_: os._exit(3))
print(ctypes.addressof(secret), flush=True)
sys.stdin.read()
"""
LIBC: Final = ctypes.CDLL(None, use_errno=True)
USERS: Final = b"root:x:0:0"
"""How /etc/passwd begins."""
SPARE_MB: Final = 60.0
"""By so much the host may have grown after an attempt: its own caches, and the graph that it was handed."""
MOST_MB: Final = 1000.0
"""And by so much meanwhile, in memory and on disk: a job may take 600 MB."""


class Traps:
    """A fresh set for one attempt. `places` are the names that the attempt's source may use."""

    def __init__(self, own: Callable[[], set[int]]) -> None:
        """`own`: the host's workers, whose coming and going is no attempt's doing."""
        self._own = own
        self.secret = f"secret-{secrets.token_hex(16)}"
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self._files()
        self._shared()
        self._sockets()
        self._victim = self._start_victim()
        self._as_it_was = self._victim_state()
        self._in_memory = ctypes.create_string_buffer(self.secret.encode())
        self._before: set[int] = set()

    def arm(self) -> None:
        """From here on new processes count."""
        self._before = family()
        self._resident_mb = memory_mb("VmRSS")
        self._disk = Disk()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the highest mark of memory begins anew

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._victim.kill()
        self._victim.communicate()
        for each in (*self._listening.values(), self._open):
            each.close()
        self._unshare()
        for pid in self._left() if self._before else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def places(self) -> dict[str, object]:
        return {
            "SECRET_FILE": self.folder / "secret", "STORE_FILE": self.folder / "store" / "run.db",
            "CANARY_FILE": self.folder / "canary", "OPEN_FOLDER": self.folder / "open",
            "TCP_PORT": self._listening["TCP"].getsockname()[1], "UDP_PORT": self._listening["UDP"].getsockname()[1],
            "UNIX_PATH": self.folder / "socket", "ABSTRACT": self.folder.name, "MARK": self.folder.name[-12:],
            "VICTIM_PID": self._victim.pid, "VICTIM_ADDRESS": self._victim_address,
            "HOST_PID": os.getpid(), "HOST_ADDRESS": ctypes.addressof(self._in_memory),
            "HOST_DESCRIPTOR": self._open.fileno(), "NETLINK": self._listening["netlink"].getsockname()[0],
            "SHARED_NAME": self.folder.name, "SHARED_ID": self._segment, "SHARED_KEY": self._key,
        }  # fmt: skip

    def sprung(self) -> list[str]:
        """What got through, in a few words each; empty where the boundary held."""
        gc.collect()
        LIBC.malloc_trim(0)
        found = {
            "changed a file of the host": self._canary() != self._untouched,
            "left something in a folder of the host": any((self.folder / "open").iterdir()),
            "wrote into the host's memory": self._in_memory.value != self.secret.encode(),
            "killed or signalled another process": self._victim.poll() is not None,
            "changed another process": self._victim_state() != self._as_it_was,
            "left shared memory behind": LIBC.shmget(self._key, 0, 0) >= 0,
            "left a process": bool(self._left()),
            "left the host larger": memory_mb("VmRSS") > self._resident_mb + SPARE_MB,
            "made the host take far too much memory": memory_mb("VmHWM") > self._resident_mb + MOST_MB,
            "filled the host's disk": self._disk.most_taken_mb() > MOST_MB,
        }
        heard = [f"reached the host's {name} socket" for name in self._heard()]
        return [what for what, happened in found.items() if happened] + heard

    # ------------------------------------------------------------ what is laid out

    def _files(self) -> None:
        self.folder.chmod(0o755)
        (self.folder / "store").mkdir()
        for path in (self.folder / "secret", self.folder / "store" / "run.db"):
            path.write_text(self.secret)
        (self.folder / "canary").write_text("as it was")
        (self.folder / "canary").chmod(0o666)
        (self.folder / "open").mkdir()
        (self.folder / "open").chmod(0o777)
        self._untouched = self._canary()

    def _canary(self) -> Any:
        canary = self.folder / "canary"
        with contextlib.suppress(OSError):
            told = canary.stat()
            return canary.read_bytes(), told.st_mode, told.st_nlink, told.st_mtime_ns, told.st_uid
        return None

    def _shared(self) -> None:
        """Segments by POSIX (a file) and by System V, and a file held open."""
        Path("/dev/shm", self.folder.name).write_text(self.secret)
        self._key = secrets.randbits(30) + 1
        self._segment = LIBC.shmget(0, 4096, 0o1644)
        LIBC.shmat.restype = ctypes.c_void_p
        address = LIBC.shmat(self._segment, None, 0)
        ctypes.memmove(address, self.secret.encode(), len(self.secret))
        LIBC.shmdt(ctypes.c_void_p(address))
        self._open = (self.folder / "secret").open("rb")

    def _unshare(self) -> None:
        Path("/dev/shm", self.folder.name).unlink(missing_ok=True)
        for segment in (self._segment, LIBC.shmget(self._key, 0, 0)):
            LIBC.shmctl(segment, 0, None)

    def _sockets(self) -> None:
        self._listening = {
            "TCP": _listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "UDP": _listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "Unix": _listening(socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "socket")),
            "abstract": _listening(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.folder.name}"),
            "netlink": _listening(socket.AF_NETLINK, socket.SOCK_RAW, (0, 0), socket.NETLINK_USERSOCK),
        }
        (self.folder / "socket").chmod(0o777)

    def _heard(self) -> list[str]:
        ready, _, _ = select.select(list(self._listening.values()), [], [], 0)
        return [name for name, each in self._listening.items() if each in ready]

    def _start_victim(self) -> "subprocess.Popen[bytes]":
        environment = {"HOSTILE_SECRET": self.secret}
        victim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", VICTIM], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert victim.stdout is not None
        self._victim_address = int(victim.stdout.readline())
        return victim

    def _victim_state(self) -> Any:
        """Its priority and limits; None once it is gone."""
        with contextlib.suppress(ProcessLookupError):
            pid = self._victim.pid
            return os.getpriority(os.PRIO_PROCESS, pid), resource.prlimit(pid, resource.RLIMIT_NOFILE)
        return None

    def _left(self) -> set[int]:
        return family() - self._before - self._own()


def _listening(kind: int, way: int, address: Any, protocol: int = 0) -> socket.socket:
    made = socket.socket(kind, way, protocol)
    made.bind(address)
    if way == socket.SOCK_STREAM:
        made.listen(8)
    return made


class Overheard:
    """Everything that workers send to the host while it is open, searched for secrets as it comes in."""

    LONGEST: Final = 64

    def __init__(self, secret: str) -> None:
        self._secrets, self._tail, self.told = (secret.encode(), USERS), b"", False

    def hear(self, data: bytes | memoryview) -> None:
        text = self._tail + bytes(data)
        self.told = self.told or any(each in text for each in self._secrets)
        self._tail = text[-self.LONGEST :]


@contextlib.contextmanager
def overhearing(secret: str) -> Iterator[Overheard]:
    """Listens on every channel of this process."""
    heard, read = Overheard(secret), wire._Stream.readinto

    def readinto(stream: Any, buffer: Any) -> int:
        count = read(stream, buffer)
        heard.hear(memoryview(buffer)[:count])
        return count

    wire._Stream.readinto = readinto  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        wire._Stream.readinto = read  # type: ignore[method-assign]


def family() -> set[int]:
    """All live descendants of this process; orphans among them too where `adopt_orphans` was called before."""
    found = {os.getpid()}
    while grown := children(found) - found:
        found |= grown
    return found - {os.getpid()}


def children(pids: set[int]) -> set[int]:
    return {pid for pid, parent in _parents() if parent in pids}


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(path.parent.name), int(parent)


def memory_mb(which: str) -> float:
    """Of this process: "VmRSS" now, "VmHWM" at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(which))


class Disk(threading.Thread):
    """Watches the free space where workers have their folders."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._free = [shutil.disk_usage(tempfile.gettempdir()).free]
        self._done = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._done.wait(0.1):
            self._free.append(shutil.disk_usage(tempfile.gettempdir()).free)

    def most_taken_mb(self) -> float:
        """Since it was started; ends the watch."""
        self._done.set()
        self.join()
        return (self._free[0] - min(self._free)) / 1e6
