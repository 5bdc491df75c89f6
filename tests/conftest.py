"""What holds for every test: no network beyond this machine, and the same random numbers each time."""

import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from neuromosaic.workflows.workers import keep_workers
from tests.once import made_once

if TYPE_CHECKING:
    from tests.small_runs import Finished

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def no_network_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection that is not to 127.0.0.1 fails the test that tried it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def seeded_generators() -> None:
    """A test draws the same numbers alone and among others. PyTorch is not loaded for it."""
    random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def warm_workers() -> Iterator[None]:
    """Runs of one test process share their workers: a cold start takes longer than most of what is tested."""
    with keep_workers():
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> "Finished":
    """One finished run, shared by all tests that only look at it."""
    from tests.small_runs import Finished, design, iris

    def make(place: Path) -> None:
        (place / "returned.json").write_text(design(place, iris()).model_dump_json())

    return Finished.read(made_once(tmp_path_factory, "finished", make))
