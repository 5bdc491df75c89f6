"""Forks a supervised child, serves it, and prints what it says of its files."""

import os
import select
import socket
import sys
from pathlib import Path

from neuromosaic.core.sandbox.supervision import Supervisor
from neuromosaic.core.sandbox.zygote import handing
from neuromosaic.core.workers import landlock, seccomp
from neuromosaic.core.workers.policy import SUPERVISED
from neuromosaic.core.workers.privileges import give_up_privileges

NOT_HERE = 77


def refusal(path: str) -> str:
    try:
        Path(path).read_text()
    except OSError as error:
        return f"refused:{error.errno}"
    return "read"


def child(way: socket.socket) -> None:
    give_up_privileges()
    listener = seccomp.restrict_supervised(SUPERVISED)
    if listener is None:
        os._exit(NOT_HERE)
    handing(way)(listener)
    Path("x").write_text("x")
    said = ["wrote", f"read:{Path('x').read_text()}", refusal("/etc/passwd"), refusal("../neighbour")]
    said.append("python" if "def" in Path(os.__file__).read_text() else "")
    os.mkdir("sub")
    os.rename("x", "sub/x")
    os.unlink("sub/x")
    os.rmdir("sub")
    os.write(1, " ".join([*said, "gone" if os.listdir(".") == [] else "left"]).encode())


def main(folder: Path) -> int:
    os.chdir(folder)
    landlock.readable_paths()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        child(theirs)
        os._exit(0)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if descriptors:
        serve(Supervisor(descriptors[0], folder))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def serve(supervisor: Supervisor) -> None:
    waiting = select.poll()
    waiting.register(supervisor, select.POLLIN)
    while waiting.poll()[0][1] & select.POLLIN:
        supervisor.serve_one()
    supervisor.close()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
