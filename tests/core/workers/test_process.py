"""A worker process knows nothing of the host, and ends when and with whom it should."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.workers import process
from neuromosaic.core.workers.conversation import WorkerGone
from neuromosaic.core.workers.process import WorkerProcess, death

PROBE = """
import json, os, socket, subprocess, sys, time

def main(fd, parent, *arguments):
    from neuromosaic.core.workers.privileges import die_with_parent
    die_with_parent(int(parent))
    connection = socket.socket(fileno=int(fd))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("this goes nowhere")
    print("the last words", file=sys.stderr, flush=True)
    facts = {"environ": dict(os.environ), "path": sys.path, "arguments": arguments, "child": child.pid,
             "session": os.getsid(0) == os.getpid(), "cwd": os.getcwd()}
    connection.sendall(json.dumps(facts).encode() + b"\\n")
    time.sleep(60)
"""


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerProcess]:
    """A worker whose module is PROBE."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://secret")
    define = f"import types; m = types.ModuleType('probe'); exec({PROBE!r}, m.__dict__); sys.modules['probe'] = m\n"
    monkeypatch.setattr(
        process, "BOOTSTRAP", process.BOOTSTRAP.replace("import importlib", define + "import importlib")
    )
    worker = WorkerProcess("probe", "one", "2")
    yield worker
    worker.kill()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


def facts_of(worker: WorkerProcess) -> dict[str, object]:
    worker.socket.settimeout(30)
    with worker.socket.makefile("rb") as lines:
        return json.loads(lines.readline())


def test_no_key_of_the_host_reaches_a_worker(probe: WorkerProcess) -> None:
    facts = facts_of(probe)
    environment = facts["environ"]
    assert isinstance(environment, dict)
    assert "secret" not in json.dumps(facts)
    assert set(environment) - {"LC_CTYPE"} <= set(process.worker_environment(probe.folder))
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["HOME"] == facts["cwd"] == str(probe.folder)
    assert facts["session"] is True
    assert facts["arguments"] == ["one", "2"]


def test_it_ends_with_what_it_started_and_leaves_no_file(probe: WorkerProcess) -> None:
    child = facts_of(probe)["child"]
    assert isinstance(child, int)
    assert probe.alive
    assert probe.last_words() == "the last words"
    assert probe.exit_code(patience=0) is None
    probe.kill()
    probe.kill()
    assert not probe.alive
    assert probe.exit_code() == -9
    assert wait_until_gone(child)
    assert not probe.folder.exists()
    assert probe.last_words() == ""


def test_a_worker_dies_with_its_host_but_not_with_the_thread_that_asked_for_it() -> None:
    script = (
        "import threading, time, os\n"
        "from neuromosaic.core.judge.process import _Worker\n"
        "made = []\n"
        "t = threading.Thread(target=lambda: made.append(_Worker('cpu', 500))); t.start(); t.join()\n"
        "time.sleep(0.2)\n"
        "print(made[0]._process.pid, made[0].usable, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    host = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    pid, usable = host.stdout.split()
    assert usable == "True"
    assert wait_until_gone(int(pid))


def test_a_worker_that_cannot_be_started_is_a_failed_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerError, match="cannot start") as caught:
        WorkerProcess("any")
    assert caught.value.cause == "setup"


def test_only_what_is_listed_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    environment = process.worker_environment(tmp_path)
    assert environment["PATH"] == "/bin"
    assert not {name for name in environment if "KEY" in name or "TOKEN" in name}
    assert environment["PYTHONHASHSEED"] == "0"


@pytest.mark.parametrize(
    ("code", "cause", "words"),
    [
        (None, "crash", "before its job"), (0, "crash", "before its job"), (7, "crash", "exit code 7"),
        (-11, "crash", "SIGSEGV"), (-9, "memory", "memory"), (-24, "timeout", "processor time"),
    ],
)  # fmt: skip
def test_a_death_has_a_cause(code: int | None, cause: str, words: str) -> None:
    error = death(code, WorkerGone("x"))
    assert error.cause == cause
    assert words in str(error)


def test_the_workers_own_environment_is_not_the_hosts() -> None:
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in process.worker_environment(Path("/tmp"))
