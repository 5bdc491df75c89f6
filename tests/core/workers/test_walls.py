"""The walls, tried in processes of their own: what is claimed is in force, and what cannot be is not claimed."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.workers import landlock, seccomp, walls
from neuromosaic.core.workers.limits import Limits
from neuromosaic.core.workers.walls import lock_child, lock_judge

DENIED = Path(__file__).with_name("denied.py")
linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="walls are Linux's"
)

SCRIPT = """
import json, os, signal, socket, sys, threading
from pathlib import Path
from neuromosaic.core.workers import landlock
from neuromosaic.core.workers.limits import Limits
from neuromosaic.core.workers.walls import lock_child, lock_judge

folder, who, user = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
landlock.readable_paths()  # asks sysconfig, which another user may not be able to read
if user:
    os.setresgid(user, user, user); os.setresuid(user, user, user)
limits = Limits(300, 30.0, folder)
label = lock_judge(limits, devices=who == "devices") if who in ("judge", "devices") else lock_child(limits, who)

def outcome(attempt):
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return "done"

thread = threading.Thread(target=lambda: None)
print(json.dumps({
    "label": label,
    "read": outcome(lambda: open("/etc/passwd").read()),
    "import": outcome(lambda: __import__("colorsys")),
    "write": outcome(lambda: (folder / "x").write_text("x")),
    "elsewhere": outcome(lambda: (folder.parent / "y").write_text("x")),
    "mode": outcome(lambda: os.chmod(sys.executable, 0o755)),
    "socket": outcome(socket.socket),
    "fork": outcome(lambda: os.fork() or os._exit(0)),
    "exec": outcome(lambda: os.execv("/bin/true", ["true"])) if label != "rlimits" else "",
    "signal": outcome(lambda: os.kill(os.getppid(), 0)),
    "thread": outcome(lambda: (thread.start(), thread.join())),
}))
"""


def locked(folder: Path, who: str = "nothing", user: int = 0, without: str = "") -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", SCRIPT, str(folder), who, str(user)]
    if without:
        command = [sys.executable, str(DENIED), without, *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture
def needs_landlock() -> None:
    if landlock.abi() < landlock.OLDEST:
        pytest.skip("this kernel has no Landlock")


CLOSED = dict.fromkeys(("read", "elsewhere", "mode", "socket", "fork", "exec", "signal"), "PermissionError")


@linux
@pytest.mark.usefixtures("needs_landlock")
def test_a_child_behind_its_walls_has_its_own_folder_and_nothing_else(tmp_path: Path) -> None:
    facts = locked(tmp_path / "own")
    assert facts == {
        **CLOSED, "label": "landlock+seccomp", "import": "done", "write": "done", "thread": "RuntimeError"
    }  # fmt: skip
    assert locked(tmp_path / "own", "bubblewrap")["label"] == "bubblewrap+landlock+seccomp"


@linux
@pytest.mark.usefixtures("needs_landlock")
@pytest.mark.skipif(sys.platform != "win32" and __import__("os").getuid() != 0, reason="only root becomes another")
def test_the_same_walls_hold_for_an_ordinary_user(tmp_path: Path) -> None:
    facts = locked(tmp_path / "own", user=65534)
    assert facts["label"] == "landlock+seccomp"
    assert {name: facts[name] for name in CLOSED} == CLOSED


@linux
@pytest.mark.usefixtures("needs_landlock")
def test_a_judges_worker_reads_and_writes_nothing(tmp_path: Path) -> None:
    facts = locked(tmp_path / "own", "judge")
    assert facts == {
        **CLOSED, "label": "landlock+seccomp", "import": "done", "write": "PermissionError", "thread": "RuntimeError"
    }  # fmt: skip


@linux
def test_what_the_kernel_does_not_have_is_not_claimed(tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert locked(own, without="landlock")["label"] == "rlimits"  # without a supervisor nobody guards the files
    assert locked(own, without="seccomp")["label"] == "rlimits"
    judge = locked(own, "judge", without="landlock-refused")
    assert (judge["label"], judge["write"], judge["socket"]) == ("seccomp", "PermissionError", "PermissionError")


def test_without_walls_by_wish_there_are_none(tmp_path: Path) -> None:
    facts = locked(tmp_path / "own", "none")
    assert (facts["label"], facts["read"], facts["socket"], facts["signal"]) == ("rlimits", "done", "done", "done")


def test_a_worker_with_an_accelerator_claims_nothing(tmp_path: Path) -> None:
    facts = locked(tmp_path / "own", "devices")
    assert (facts["label"], facts["read"], facts["thread"]) == ("rlimits", "done", "done")


# ---------------------------------------------------------------- in process, with nothing really locked


@pytest.fixture
def harmless(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has each step of the locking tell what it is said to."""

    def say(privileges: bool = True, files: bool = True, calls: bool = True, denied: bool = True) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(walls, "limit_resources", lambda *_, **__: None)
        monkeypatch.setattr(walls, "give_up_privileges", lambda: privileges)
        monkeypatch.setattr(landlock, "restrict", lambda _: files)
        monkeypatch.setattr(seccomp, "restrict", lambda _: calls)
        monkeypatch.setattr(seccomp, "restrict_supervised", lambda _: 7 if calls else None)
        monkeypatch.setattr(walls, "_denied", lambda _: denied)

    return say


@pytest.mark.parametrize(
    ("said", "child", "judge", "supervised"),
    [
        ({}, "landlock+seccomp", "landlock+seccomp", "seccomp"),
        ({"privileges": False}, "rlimits", "rlimits", "rlimits"),
        ({"files": False}, "rlimits", "seccomp", "seccomp"),
        ({"calls": False}, "rlimits", "rlimits", "rlimits"),
        ({"denied": False}, "rlimits", "rlimits", "rlimits"),
    ],
)
def test_the_label_is_made_of_what_was_tried(
    harmless: Callable[..., None], tmp_path: Path, said: dict[str, bool], child: str, judge: str, supervised: str
) -> None:
    harmless(**said)
    limits, handed = Limits(100, 2.5, tmp_path), list[int]()
    assert lock_child(limits, "nothing") == child
    assert lock_child(limits, "none") == "rlimits"
    assert lock_judge(limits, devices=False) == judge
    assert lock_judge(limits, devices=True) == "rlimits"
    assert lock_child(limits, "nothing", handed.append) == supervised
    assert handed == ([7] if said.get("calls", True) and said.get("privileges", True) else [])


def test_a_supervisor_that_opens_nothing_is_no_boundary(
    harmless: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    harmless()
    monkeypatch.setattr(walls, "__file__", str(tmp_path / "nowhere"))
    assert lock_child(Limits(100, 2.5, tmp_path), "nothing", lambda _: None) == "rlimits"


def test_what_is_allowed_is_not_denied() -> None:
    def refused() -> None:
        raise PermissionError

    assert walls._denied(refused)
    assert not walls._denied(lambda: None)
