"""A whole run that starts from a network of the user's own, with its weights."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from neuromosaic.core.errors import UsageError
from neuromosaic.core.graph.packing import unpack
from neuromosaic.core.graph.tensors import to_numpy
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.role_inputs import FamilyInputs, Finding
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces.design import Wanted
from neuromosaic.interfaces.design import design as start_design
from neuromosaic.interfaces.extending import extension
from neuromosaic.llm.fallback import Witness
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.testing import example_hardware, example_task
from neuromosaic.workflows import runs
from neuromosaic.workflows.candidates import Candidate
from neuromosaic.workflows.extending import against_given, ask_for_extension, unchanged_test
from neuromosaic.workflows.options import Extension, Options
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


@pytest.mark.soak
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
    assert results.winner is not None
    assert "given.py" in (tmp_path / "out" / "test_unchanged.py").read_text()
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


def test_a_given_network_that_does_not_pass_is_not_proposed_again() -> None:
    finding = Finding(gate="shape", code="output-shape", message="it gives [2, 9]")
    asked = FamilyInputs(
        **example_task(), hardware=example_hardware(), slot=0, slots=2, previous="x", findings=(finding,)
    )
    outcome = ask_for_extension(Witness(ScriptedClient({})), Extension(source=NET, entry="Net"), asked)
    assert outcome == {"failed": "Net as given: it gives [2, 9]"}


@pytest.mark.parametrize("given", [None, Extension(source=NET, entry="Net")])
def test_without_a_trial_of_the_given_network_there_is_no_comparison(given: Extension | None, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(extend=given))
    plan = MetricsPlan(loss="cross_entropy", primary="accuracy")
    store.once(run, "metrics", lambda: plan.model_dump(mode="json"))
    with at_work(store, run) as bench:
        assert against_given(bench) == ""


@pytest.mark.parametrize("factor", [1, 2])
def test_the_delivered_network_is_held_against_the_given_one(factor: int, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(extend=Extension(source=NET, entry="Net")))
    store.once(run, "brief", lambda: iris().model_dump(mode="json"))
    source = f"{NET}\n\nclass Model(Net):\n    def forward(self, x):\n        return {factor} * super().forward(x)\n"
    with at_work(store, run) as bench:
        test = unchanged_test(bench, source)
    notes = [event.data["text"] for event in store.events(run) if event.kind == "note"]
    assert ("GIVEN =" in test) == (factor == 1)
    assert ["no longer computes" in note for note in notes] == [True] * (factor - 1)


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


def test_weights_of_nothing_are_told(tmp_path: Path) -> None:
    wanted = Wanted(brief="classify iris", data="iris", weights=tmp_path / "net.safetensors")
    with pytest.raises(UsageError, match="--weights are those of a network to extend"):
        start_design(tmp_path / "store", wanted, as_json=True)


def test_a_file_too_long_for_a_prompt_is_told(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET + "#" * 100_000)
    with pytest.raises(UsageError, match="at most 100,000 are read"):
        extension(f"{tmp_path / 'net.py'}:Net", None, Store(tmp_path / "store"))
