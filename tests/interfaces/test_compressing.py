"""`neuromosaic compress`: variants of a delivered network, each a folder that works."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.folder import deliver
from neuromosaic.interfaces import cli, compressing
from neuromosaic.interfaces.use import read_folder
from tests.delivery.conftest import regression_like


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = deliver(tmp_path / "net", regression_like())[0].parent
    results = json.loads((folder / "results.json").read_text())
    results["recipe"] |= {"epochs": 20, "loss": "mse"}
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def learn(folder: Path) -> None:
    """Weights that are worth being taught by; the source is this test's own."""
    space: dict[str, Any] = {"__name__": "model"}
    exec((folder / "model.py").read_text(), space)
    torch.manual_seed(0)
    model, train = space["Model"](), load_dataset(Brief(data="diabetes"), read_folder(folder).preprocessing).train
    x, y = torch.from_numpy(train.x), torch.from_numpy(train.y)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    save_file(model.state_dict(), folder / "weights.safetensors")


def adopted(folder: Path, root: Path) -> str:
    """A run of the store that the folder says it is of."""
    run = Store(root).create_run({}, {})
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps(results | {"run": run}))
    return run


def call(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def test_a_narrower_variant_is_trained_measured_and_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(folder)
    monkeypatch.setattr("neuromosaic.interfaces.compressing.REPEATS", 5)
    store, run = Store(tmp_path / "store"), adopted(folder, tmp_path / "store")
    assert call("compress", folder, "--data", "diabetes", "--share", 0.5, "--json", "--store", store.root) == 0
    document = json.loads(capsys.readouterr().out)
    opened = [event.data for event in store.events(run) if event.kind == "test.opened"]
    assert [one["candidates"] for one in opened] == [["delivered", "share-0.5"]]
    assert document["test_opened"] == 1
    delivered, half = document["variants"]
    assert (delivered["name"], half["name"]) == ("delivered", "share-0.5")
    assert half["values"] == {"width": 2}
    assert half["parameters"] < delivered["parameters"]
    assert half["pareto"]
    lines = compressing.table(document, folder).splitlines()
    assert lines[2].split()[:2] == ["share-0.5", str(int(half["parameters"]))]
    assert lines[2].endswith("on the front")
    assert delivered["test_rmse"] < 70
    assert half["test_rmse"] < 90
    written = folder.with_name("net-compressed") / "share-0.5"
    assert "width: int = 2" in (written / "model.py").read_text()
    space: dict[str, Any] = {"__name__": "model"}
    exec((written / "model.py").read_text(), space)
    space["Model"]().load_state_dict(load_file(written / "weights.safetensors"))
    assert call("compress", folder, "--data", "diabetes") == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--data", "diabetes", "--share", "1.5"], "between 0 and 1"),
        (["--data", "iris"], "regression needs numbers"),
    ],
)
def test_what_does_not_fit_is_refused(
    folder: Path, arguments: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("compress", folder, *arguments) == 2
    assert fault in capsys.readouterr().err
