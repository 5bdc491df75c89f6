"""bubblewrap: whether it works, what is inside, and that it is believed only where it is around."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from neuromosaic.core.workers import bubblewrap


@pytest.fixture(autouse=True)
def tried_anew() -> Iterator[None]:
    bubblewrap.why_not.cache_clear()
    yield
    bubblewrap.why_not.cache_clear()


def inside(script: str) -> str:
    if reason := bubblewrap.why_not():
        pytest.skip(reason)
    command = [*bubblewrap.prefix(), sys.executable, "-I", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_inside_there_is_python_and_nothing_of_the_hosts() -> None:
    script = "import os, ctypes; print(sorted(os.listdir('/')), os.getcwd(), os.getppid(), os.listdir('.'))"
    said = inside(script)
    assert "'home'" not in said
    assert said.endswith("/job 1 []")
    assert "passwd" not in inside("import os; print(os.listdir('/etc') if os.path.isdir('/etc') else '')")


def test_inside_no_process_of_the_host_is_seen_and_nothing_but_its_folder_can_be_written() -> None:
    assert int(inside("import os; print(sum(name.isdigit() for name in os.listdir('/proc')))")) <= 3
    script = (
        "import os\n"
        "def can(path):\n"
        "    try:\n"
        "        open(path, 'w').close()\n"
        "    except OSError:\n"
        "        return False\n"
        "    return True\n"
        "print([can(path) for path in ('/job/x', '/x', os.__file__, '/dev/x')])"
    )
    assert inside(script) == "[True, False, False, False]"


def test_its_folder_has_a_size() -> None:
    size = "import os; s = os.statvfs('/job'); print(s.f_frsize * s.f_blocks)"
    assert int(inside(size)) <= bubblewrap.FOLDER_BYTES + 4096


def test_every_namespace_is_another_one() -> None:
    script = "import json, os, sys; print(json.dumps({n: os.readlink(f'/proc/self/ns/{n}') for n in NAMES}))"
    there = json.loads(inside(script.replace("NAMES", repr(bubblewrap.NAMESPACES))))
    here = bubblewrap.namespaces()
    assert all(there[name] != here[name] for name in bubblewrap.NAMESPACES)


def test_it_is_around_only_where_no_namespace_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    here = bubblewrap.namespaces()
    assert not bubblewrap.is_around(here)
    assert not bubblewrap.is_around({})
    elsewhere = dict.fromkeys(here, "another")
    assert bubblewrap.is_around(elsewhere) is bool(here)
    if here:
        assert not bubblewrap.is_around(elsewhere | {"net": here["net"]})
    monkeypatch.setattr(bubblewrap, "NAMESPACES", ("nonesuch",))
    assert bubblewrap.namespaces() == {}


def test_a_machine_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "install" in (bubblewrap.why_not() or "")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'bwrap: No permissions to create new namespace. See there' >&2; exit 1", "No permissions"),
        ("exit 3", "exit code 3"),
    ],
)
def test_where_it_does_not_start_it_says_why(monkeypatch: pytest.MonkeyPatch, script: str, reason: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/sh")
    monkeypatch.setattr(bubblewrap, "prefix", lambda: ["/bin/sh", "-c", script])
    said = bubblewrap.why_not()
    assert said is not None
    assert reason in said
    assert "See" not in said


def test_a_program_that_cannot_be_run_is_no_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/nowhere")
    monkeypatch.setattr(bubblewrap, "prefix", lambda: [os.devnull])
    assert "cannot be started" in (bubblewrap.why_not() or "")
