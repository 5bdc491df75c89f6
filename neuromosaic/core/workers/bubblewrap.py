"""bubblewrap around a worker: namespaces of its own, and of the file system only what it needs, to be read.

https://github.com/containers/bubblewrap. Whether it works here is tried once: Docker's default profile and kernels
without user namespaces for everybody refuse it.
"""

import functools
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

from neuromosaic.core.workers import landlock
from neuromosaic.core.workers.limits import LARGEST_FILE

PROGRAM: Final = "bwrap"
FOLDER: Final = "/job"
"""Where a worker finds itself inside: memory, of limited size, gone with it."""
FOLDER_BYTES: Final = 16 * LARGEST_FILE
PARENT: Final = 1
"""The process id that a worker's parent has inside: bubblewrap's own."""
TRY_SECONDS: Final = 20.0

ALONE: Final = (
    "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--cap-drop", "ALL", "--die-with-parent", "--new-session",
)  # fmt: skip
DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/urandom")
NAMESPACES: Final = ("user", "pid", "net", "ipc", "uts", "mnt")


def prefix() -> list[str]:
    """The command that has the command after it run inside."""
    command = [PROGRAM, *ALONE]
    for path in _needed():
        command += ["--ro-bind-try", str(path), str(path)]
    for device in DEVICES:
        command += ["--dev-bind", device, device]
    command += ["--proc", "/proc", "--size", str(FOLDER_BYTES), "--tmpfs", FOLDER]
    return [*command, "--remount-ro", "/", "--chdir", FOLDER, "--"]


@functools.cache
def why_not(user: int | None = None) -> str | None:
    """Why it does not work here for that user (None: for who we are); None where it does."""
    if sys.platform != "linux" or shutil.which(PROGRAM) is None:
        return "bubblewrap is not installed: install the package bubblewrap"
    command = [*prefix(), sys.executable, "-I", "-S", "-c", ""]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, timeout=TRY_SECONDS, check=False, user=user)
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap cannot be started: {error}"
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"]
    return f"bubblewrap does not work here ({said[-1].partition('. ')[0][:200]}): allow user namespaces"


def namespaces() -> dict[str, str]:
    """The namespaces that this process is in, by name; empty where the system does not tell."""
    links = {name: Path("/proc/self/ns", name) for name in NAMESPACES}
    try:
        return {name: str(link.readlink()) for name, link in links.items()}
    except OSError:
        return {}


def is_around(outside: dict[str, str]) -> bool:
    """Whether this process shares no namespace with one that said it was in those."""
    here = namespaces()
    return bool(here) and here.keys() == outside.keys() and all(here[name] != outside[name] for name in here)


def _needed() -> list[Path]:
    """Beside what a child may read: the interpreter, its own libraries, and where it looks for both."""
    executable, base = Path(sys.executable), Path(sys.base_prefix)
    library = sysconfig.get_config_var("LIBDIR")
    more = {executable, executable.resolve(), Path(sys.prefix, "pyvenv.cfg"), base / "lib"}
    return sorted(
        {*landlock.readable_paths(), *more, *([Path(library)] if library else [])} - {Path(d) for d in DEVICES}
    )
