"""A whole run that starts from a network of the user's own, with its weights."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from neuromosaic.core.errors import UsageError
from neuromosaic.core.graph.packing import unpack
from neuromosaic.core.graph.tensors import to_numpy
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces.extending import extension
from neuromosaic.workflows import runs
from neuromosaic.workflows.candidates import Candidate
from neuromosaic.workflows.options import Options
from tests.small_runs import at_work, iris

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden: int = 8) -> None:
        super().__init__()
        self.one = nn.Linear(4, hidden)
        self.two = nn.Linear(hidden, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(torch.relu(self.one(x)))
"""


def test_a_given_network_is_extended_from_its_weights_and_compared(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    bias = np.array([0.25, -0.5, 0.125], dtype=np.float32)
    save_file({"two.bias": bias}, tmp_path / "net.safetensors")
    store = Store(tmp_path / "store")
    given = extension(f"{tmp_path / 'net.py'}:Net", tmp_path / "net.safetensors", store)
    run = runs.create(store, iris(), Options(folder=str(tmp_path / "out"), extend=given))
    with at_work(store, run) as bench:
        results = runs.carry_on(bench)
    assert results.status == "met"
    assert results.models["ModelArchitect"] == "offline"
    events = store.events(run)
    proposed = {event.data["name"]: event.data["designed_by"] for event in events if event.kind == "family.proposed"}
    assert proposed["Net as given"] == "you"
    assert {"Net with a part behind it": "offline"}.items() <= proposed.items()
    gates = [event.data for event in events if event.kind == "gate.verdict" and event.data["gate"] == "unchanged"]
    assert gates
    assert all(gate["passed"] for gate in gates)
    notes = [event.data["text"] for event in events if event.kind == "note"]
    assert any(note.startswith("Net as given came to") for note in notes)
    kept = [
        Candidate.model_validate(store.step(run, f"candidate/{event.data['candidate']}"))
        for event in events
        if event.kind == "trial.finished"
    ]
    for candidate in kept:
        assert candidate.graph is not None
        tensors = unpack(store.get(candidate.graph)).tensors
        (place,) = [name for name in tensors if name.endswith("two.bias")]
        assert np.array_equal(to_numpy(tensors[place]), bias)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("net.py", "name a file and a class in it"),
        ("nowhere.py:Net", "cannot read nowhere.py"),
        ("{folder}/net.py:Nothing", "has no class Nothing"),
    ],
)
def test_what_is_no_network_is_told(named: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    with pytest.raises(UsageError, match=told):
        extension(named.format(folder=tmp_path), None, Store(tmp_path / "store"))


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "net.safetensors").write_bytes(b"\x00" * 9)
    with pytest.raises(UsageError, match=r"--weights .* cannot be read as \.safetensors"):
        extension(f"{tmp_path / 'net.py'}:Net", tmp_path / "net.safetensors", Store(tmp_path / "store"))
