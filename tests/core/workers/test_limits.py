"""The walls, tried in processes of their own: what is claimed is in force, and what cannot be is not claimed."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.workers import landlock, limits, seccomp
from neuromosaic.core.workers.limits import Limits, lock

LABELS = {"landlock+seccomp", "landlock", "seccomp", "rlimits"}

SCRIPT = """
import json, os, resource, socket, sys, threading
from pathlib import Path
from neuromosaic.core.workers import landlock, limits, seccomp

folder, without, user = Path(sys.argv[1]), sys.argv[2].split(), int(sys.argv[3])
if user:
    list(landlock.readable_paths())  # asks sysconfig, which this user's Python may not be able to read
    os.setresgid(user, user, user); os.setresuid(user, user, user)
if "landlock" in without:
    landlock.restrict = lambda _: False
if "seccomp" in without:
    seccomp.restrict = lambda: False
if "really" in without:
    landlock.restrict = lambda _: True
    seccomp.restrict = lambda: True
label = limits.lock(limits.Limits(300, 30.0, folder), devices="devices" in without)

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
    "socket": outcome(socket.socket),
    "fork": outcome(lambda: os.fork() or os._exit(0)),
    "thread": outcome(lambda: (thread.start(), thread.join())),
    "memory": outcome(lambda: bytearray(10**9)),
    "own limit": outcome(lambda: resource.prlimit(0, resource.RLIMIT_CPU)),
    "core": resource.getrlimit(resource.RLIMIT_CORE), "cpu": resource.getrlimit(resource.RLIMIT_CPU),
}))
"""


def locked(folder: Path, without: str = "", user: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-c", SCRIPT, str(folder), without, str(user)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_the_label_names_the_walls_that_are_up(tmp_path: Path) -> None:
    facts = locked(tmp_path)
    assert facts["label"] in LABELS
    assert (facts["read"] == "PermissionError") is ("landlock" in facts["label"])
    assert (facts["socket"] == facts["fork"] == "PermissionError") is ("seccomp" in facts["label"])
    assert (facts["import"], facts["write"], facts["own limit"]) == ("done", "done", "done")
    assert facts["memory"] == "MemoryError" or sys.platform != "linux"
    assert (facts["core"], facts["cpu"]) == ([0, 0], [30, 30])
    if "seccomp" in facts["label"]:
        assert facts["thread"] == "done"


def test_what_the_kernel_does_not_have_is_not_claimed(tmp_path: Path) -> None:
    assert locked(tmp_path, "landlock seccomp")["label"] == "rlimits"
    assert locked(tmp_path, "seccomp")["label"] in {"landlock", "rlimits"}
    assert locked(tmp_path, "landlock")["label"] in {"seccomp", "rlimits"}
    facts = locked(tmp_path, "landlock seccomp really")
    assert (facts["label"], facts["read"]) == ("rlimits", "done")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_the_same_walls_hold_for_an_ordinary_user(tmp_path: Path) -> None:
    facts = locked(tmp_path, user=65534)
    assert facts["label"] == locked(tmp_path)["label"]
    assert facts["read"] == ("PermissionError" if "landlock" in facts["label"] else "done")
    bare = locked(tmp_path, "landlock seccomp", user=65534)
    assert (bare["label"], bare["fork"], bare["thread"]) == ("rlimits", "BlockingIOError", "RuntimeError")


def test_a_worker_with_an_accelerator_claims_nothing_more(tmp_path: Path) -> None:
    facts = locked(tmp_path, "devices")
    assert (facts["label"], facts["read"], facts["socket"], facts["memory"]) == ("rlimits", "done", "done", "done")
    assert facts["core"] == [0, 0]


def test_a_limit_that_cannot_be_set_is_a_failed_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not permitted")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(WorkerError, match="not permitted") as caught:
        lock(Limits(100, 1.0, tmp_path))
    assert caught.value.cause == "setup"


# ---------------------------------------------------------------- in process, with nothing really locked


@pytest.fixture
def harmless(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Notes the resource limits instead of setting them, and keeps this process's privileges."""
    noted: dict[int, int] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: noted.__setitem__(which, pair[0]))
    monkeypatch.setattr(limits, "_give_up_privileges", lambda: True)
    return noted


@pytest.mark.parametrize(
    ("files", "calls", "denied", "label"),
    [
        (True, True, True, "landlock+seccomp"), (True, False, True, "landlock"), (False, True, True, "seccomp"),
        (True, True, False, "rlimits"), (False, False, True, "rlimits"),
    ],
)  # fmt: skip
def test_the_label_is_made_of_what_was_tried(
    harmless: dict[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: bool, calls: bool, denied: bool,
    label: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(landlock, "restrict", lambda _: files)
    monkeypatch.setattr(seccomp, "restrict", lambda: calls)
    monkeypatch.setattr(limits, "_denied", lambda _: denied)
    assert lock(Limits(100, 2.5, tmp_path)) == label
    assert harmless[resource.RLIMIT_CPU] == 3
    assert (resource.RLIMIT_NPROC in harmless) is ("seccomp" not in label)


def test_without_linux_only_resource_limits_hold(
    harmless: dict[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(limits, "_address_space", lambda: None)
    assert lock(Limits(100, None, tmp_path)) == "rlimits"
    assert resource.RLIMIT_AS not in harmless
    assert resource.RLIMIT_CPU not in harmless


def test_what_is_allowed_is_not_denied() -> None:
    def refused() -> None:
        raise PermissionError

    assert limits._denied(refused)
    assert not limits._denied(lambda: None)


def test_a_process_whose_parent_is_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr(limits, "_prctl", lambda *_: 0)
    limits.die_with_parent(parent=-1)
    assert ended == [0]


def test_a_process_whose_parent_lives_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(limits, "_prctl", lambda *call: asked.append(call) or 0)
    limits.die_with_parent(os.getppid())
    assert limits.adopt_orphans() is (sys.platform == "linux")
    assert asked == [(limits.PR_SET_PDEATHSIG, 9), (limits.PR_SET_CHILD_SUBREAPER, 1)]


def test_silence_covers_input_output_and_error(monkeypatch: pytest.MonkeyPatch) -> None:
    covered: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _, descriptor: covered.append(descriptor))
    limits.silence()
    assert covered == [0, 1, 2]


@pytest.mark.parametrize("fails", ["capset", "prctl", None])
def test_privileges_are_gone_only_if_both_steps_worked(fails: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def capset(self, *_: object) -> int:
            return -1 if fails == "capset" else 0

        def prctl(self, *_: object) -> int:
            return -1 if fails == "prctl" else 0

    monkeypatch.setattr(limits.ctypes, "CDLL", lambda *_, **__: Libc())
    assert limits._give_up_privileges() is (fails is None)


def test_an_accelerators_worker_is_not_walled_in(harmless: dict[int, int], tmp_path: Path) -> None:
    assert lock(Limits(100, 1.0, tmp_path), devices=True) == "rlimits"
    assert set(harmless) == {resource.RLIMIT_CORE, resource.RLIMIT_CPU}


def test_a_system_that_does_not_tell_its_address_space_is_not_limited_in_it(
    harmless: dict[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    assert limits._address_space() is None


def test_a_kernel_without_landlock_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(landlock, "_syscall", lambda *_: -1)
    assert landlock.restrict(tmp_path) is False
    monkeypatch.setattr(landlock, "abi", lambda: 1)
    assert landlock.restrict(tmp_path) is False


@pytest.mark.parametrize(("version", "size"), [(1, 8), (4, 16), (7, 24)])
def test_a_ruleset_is_as_long_as_the_kernel_knows_it(
    version: int, size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[Any, ...]] = []
    with (tmp_path / "ruleset").open("w") as file:

        def syscall(number: int, *arguments: Any) -> int:
            calls.append((number, *arguments))
            return os.dup(file.fileno()) if number == landlock.CREATE_RULESET else 0

        monkeypatch.setattr(landlock, "_syscall", syscall)
        monkeypatch.setattr(landlock, "abi", lambda: version)
        assert landlock.restrict(tmp_path)
    assert len(calls[0][1]) == size
    assert {number for number, *_ in calls} == {444, 445, 446}


def test_no_path_of_the_users_own_is_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, "/home/somebody/project"])
    assert Path("/home/somebody/project") not in set(landlock.readable_paths())
    assert Path.home() not in set(landlock.readable_paths())


# ---------------------------------------------------------------- the filter


def verdict(machine: seccomp.Machine, number: int, first_argument: int = 0, audit: int | None = None) -> int:
    """Runs the filter's program on one system call, as the kernel would."""
    data = {
        seccomp.NUMBER: number,
        seccomp.ARCHITECTURE: machine.audit if audit is None else audit,
        seccomp.FIRST_ARGUMENT: first_argument,
    }
    code = seccomp.program(machine)
    steps = [seccomp.STEP.unpack_from(code, 8 * n) for n in range(len(code) // 8)]
    here = value = 0
    while True:
        operation, if_true, if_false, constant = steps[here]
        here += 1
        match operation:
            case seccomp.LOAD:
                value = data[constant]
            case seccomp.RETURN:
                return int(constant)
            case _:
                true = {
                    seccomp.EQUAL: value == constant,
                    seccomp.AT_LEAST: value >= constant,
                    seccomp.ANY_BIT: bool(value & constant),
                }
                here += if_true if true[operation] else if_false


@pytest.mark.parametrize("machine", seccomp.MACHINES.values(), ids=list(seccomp.MACHINES))
def test_the_filter_refuses_what_it_should_and_nothing_else(machine: seccomp.Machine) -> None:
    refused = seccomp.REFUSE | 1
    assert {verdict(machine, number) for number in machine.denied} == {refused}
    assert verdict(machine, machine.clone, 17) == refused
    assert verdict(machine, machine.clone, seccomp.CLONE_THREAD | 0x100) == seccomp.ALLOW
    assert verdict(machine, machine.clone3) == seccomp.REFUSE | 38
    assert verdict(machine, machine.prlimit, 0) == seccomp.ALLOW
    assert verdict(machine, machine.prlimit, 1234) == refused
    assert verdict(machine, seccomp.X32 + 1) == seccomp.KILL
    assert verdict(machine, 1, audit=0x40000003) == seccomp.KILL
    others = set(range(460)) - {*machine.denied, machine.clone, machine.clone3, machine.prlimit}
    assert {verdict(machine, number) for number in others} == {seccomp.ALLOW}


def test_an_unknown_machine_gets_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    assert seccomp.restrict() is False


def test_a_kernel_without_seccomp_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def prctl(self, *_: object) -> int:
            return -1

    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(seccomp.ctypes, "CDLL", lambda *_, **__: Libc())
    assert seccomp.restrict() is False
