"""Resource limits, tried in processes of their own."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.workers import limits
from neuromosaic.core.workers.limits import Limits, limit_resources

SCRIPT = """
import json, os, resource, sys, threading
from pathlib import Path
from neuromosaic.core.workers.limits import Limits, limit_resources

folder, user = Path(sys.argv[1]), int(sys.argv[2])
if user:
    os.setresgid(user, user, user); os.setresuid(user, user, user)
limit_resources(Limits(300, 30.0, folder), devices=sys.argv[3] == "devices")

def outcome(attempt):
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return "done"

thread = threading.Thread(target=lambda: None)
facts = {
    "memory": outcome(lambda: bytearray(10**9)),
    "fork": outcome(lambda: os.fork() or os._exit(0)),
    "thread": outcome(lambda: (thread.start(), thread.join())),
    "files": outcome(lambda: [os.open("/dev/null", 0) for _ in range(300)]),
}
print(json.dumps(facts | {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in
                          ("CORE", "CPU", "FSIZE", "NOFILE", "NPROC")}))
"""


def limited(folder: Path, user: int = 0, devices: str = "no") -> dict[str, Any]:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(user), devices]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_memory_time_files_and_core_dumps_are_limited(tmp_path: Path) -> None:
    facts = limited(tmp_path)
    assert (facts["CORE"], facts["CPU"], facts["NPROC"], facts["FSIZE"]) == (
        [0, 0], [30, 30], [0, 0], [limits.LARGEST_FILE] * 2,
    )  # fmt: skip
    assert facts["files"] == "OSError"
    assert facts["memory"] == "MemoryError" or sys.platform != "linux"


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_users_worker_starts_no_process_and_no_thread(tmp_path: Path) -> None:
    facts = limited(tmp_path, user=65534)
    assert (facts["fork"], facts["thread"]) == ("BlockingIOError", "RuntimeError")


def test_a_worker_with_an_accelerator_keeps_its_memory_files_and_threads(tmp_path: Path) -> None:
    facts = limited(tmp_path, devices="devices")
    assert (facts["memory"], facts["files"], facts["thread"]) == ("done", "done", "done")
    assert (facts["CORE"], facts["CPU"]) == ([0, 0], [30, 30])


def test_a_limit_that_cannot_be_set_is_a_failed_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not permitted")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(WorkerError, match="not permitted") as caught:
        limit_resources(Limits(100, 1.0, tmp_path))
    assert caught.value.cause == "setup"


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Notes the limits instead of setting them."""
    noted: dict[int, int] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: noted.__setitem__(which, pair[0]))
    return noted


def test_what_is_not_given_is_not_limited(noted: dict[int, int], tmp_path: Path) -> None:
    limit_resources(Limits(None, None, tmp_path))
    assert not {resource.RLIMIT_AS, resource.RLIMIT_CPU} & noted.keys()
    limit_resources(Limits(100, 2.5, tmp_path))
    assert noted[resource.RLIMIT_CPU] == 3
    assert noted[resource.RLIMIT_AS] > 100 * 10**6


def test_a_limit_is_never_raised(noted: dict[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5, 5))
    limit_resources(Limits(100, 1000.0, tmp_path))
    assert max(noted.values()) == 5


def test_a_system_that_does_not_tell_its_address_space_is_not_limited_in_it(
    noted: dict[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    limit_resources(Limits(100, 1.0, tmp_path))
    assert resource.RLIMIT_AS not in noted


def test_silence_covers_input_output_and_error(monkeypatch: pytest.MonkeyPatch) -> None:
    covered: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _, descriptor: covered.append(descriptor))
    limits.silence()
    assert covered == [0, 1, 2]
