"""`neuromosaic export`: what is written computes what model.py computes, whatever the batch."""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from neuromosaic.core.errors import RunFailedError
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.exporting import Exporter
from neuromosaic.delivery.folder import deliver
from neuromosaic.delivery.pull_requests.material import Material, read_material
from neuromosaic.interfaces import cli
from tests.delivery.conftest import regression_like

FORMATS = ("safetensors", "source", "torch-export", "torchscript")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    delivery: Delivery = regression_like()
    return deliver(tmp_path_factory.mktemp("delivered") / "net", delivery)[0].parent


def call(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_format_computes_what_the_network_computes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held against the network itself, which this test has written: it may run here."""
    out = tmp_path / "out"
    wanted = [part for name in FORMATS for part in ("--to", name)]
    assert call("export", folder, *wanted, "--out", out, "--json") == 0
    said = json.loads(capsys.readouterr().out)["exports"]
    assert [one["format"] for one in said] == list(FORMATS)
    assert json.loads((out / "export.json").read_text()) == said
    for one in said:
        assert one["difference"] < 1e-4
        for name, digest in one["sha256"].items():
            assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    space: dict[str, type[torch.nn.Module]] = {"__name__": "model"}  # type: ignore[dict-item]
    exec((out / "model.py").read_text(), space)
    model = space["Model"]()
    from safetensors.torch import load_file

    model.load_state_dict(load_file(out / "weights.safetensors"))
    model.eval()
    exported = torch.export.load(io.BytesIO((out / "model.pt2").read_bytes())).module()
    scripted = torch.jit.load(io.BytesIO((out / "model.torchscript.pt").read_bytes()))
    for rows in (1, 2, 50):
        x = torch.randn(rows, 10)
        with torch.no_grad():
            expected = model(x)
            torch.testing.assert_close(exported(x), expected)
            torch.testing.assert_close(scripted(x), expected)
    assert call("export", folder, "--to", "source", "--out", out) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[ProcessSandbox, ProcessJudge]]:
    sandbox, judge = ProcessSandbox(workers=1), ProcessJudge(workers=1)
    yield sandbox, judge
    judge.close()
    sandbox.close()


def test_what_computes_something_else_is_not_written(
    folder: Path, workers: tuple[ProcessSandbox, ProcessJudge]
) -> None:
    """As if model.py had answered otherwise."""
    exporter = Exporter(read_material(folder), *workers)
    exporter._expected = exporter._expected + 1
    with pytest.raises(RunFailedError, match=r"differs from model.py by 1: nothing is written"):
        exporter.export("source")
    exporter._expected = exporter._expected[:, :0]
    with pytest.raises(RunFailedError, match=r"returns .7, 1. where model.py returns .7, 0."):
        exporter.export("source")


def test_a_network_that_has_no_graph_is_told(folder: Path, workers: tuple[ProcessSandbox, ProcessJudge]) -> None:
    material = read_material(folder)
    source = material.text("model.py").replace(
        "        return self.head(",
        "        if x.sum().item() > 0:\n            x = x + 1\n        return self.head(",
    )
    assert source != material.text("model.py")
    python_only = Material(material.results, {**material.files, "model.py": source.encode()})
    with pytest.raises(RunFailedError, match="cannot be exported, its Python is all there is of it"):
        Exporter(python_only, *workers)


def test_an_unknown_format_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", folder, "--to", "torchexport") == 2
    assert "did you mean 'torch-export'" in capsys.readouterr().err
