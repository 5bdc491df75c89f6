"""`neuromosaic export`: what is written computes what model.py computes, whatever the batch."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from neuromosaic.core.errors import RunFailedError
from neuromosaic.core.graph.tensors import from_torch
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.store.store import Store
from neuromosaic.delivery import exporting
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.exporting import Exporter
from neuromosaic.delivery.folder import deliver
from neuromosaic.delivery.material import Material, read_material
from neuromosaic.delivery.variants import measured
from neuromosaic.interfaces import cli
from neuromosaic.interfaces.export import _opened
from tests.delivery.conftest import regression_like
from tests.small_runs import Finished

FORMATS = ("safetensors", "source", "torch-export", "torchscript")
Workers = tuple[ProcessSandbox, ProcessJudge, ProcessJudge]


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
    (out / "card.md").write_text("mine")
    assert call("export", folder, "--to", "source", "--out", out) == 2
    assert "card.md is not as an export left it" in capsys.readouterr().err
    assert (out / "card.md").read_text() == "mine"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """What runs model.py, what writes, and what opens."""
    sandbox, judge, reader = ProcessSandbox(workers=1), ProcessJudge(workers=1), ProcessJudge(workers=1)
    yield sandbox, judge, reader
    for worker in (judge, reader, sandbox):
        worker.close()


def test_what_computes_something_else_is_not_written(folder: Path, workers: Workers) -> None:
    """As if model.py had answered otherwise."""
    exporter = Exporter(read_material(folder), *workers)
    exporter._expected = exporter._expected + 1
    with pytest.raises(RunFailedError, match=r"differs from model.py by 1: nothing is written"):
        exporter.export("source")
    exporter._expected = exporter._expected[:, :0]
    with pytest.raises(RunFailedError, match=r"returns .16, 1. where model.py returns .16, 0."):
        exporter.export("source")


def test_a_network_that_has_no_graph_is_told(folder: Path, workers: Workers) -> None:
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


def test_onnx_runtime_computes_what_the_network_computes_whatever_the_batch(folder: Path, workers: Workers) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    exporter = Exporter(read_material(folder), *workers)
    exported = exporter.export("onnx")
    assert exported.difference < 1e-4
    assert exported.described()["opsets"]
    session = onnxruntime.InferenceSession(exported.files["model.onnx"], providers=["CPUExecutionProvider"])
    x = torch.randn(33, 10)
    (outputs,) = session.run(["outputs"], {"x": x.numpy()})
    expected = exporter.outputs(from_torch(x))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_a_missing_extra_is_told_before_anything_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxruntime" else name)
    assert call("export", folder, "--to", "onnx") == 2
    assert "--to onnx needs onnxruntime: pip install 'neuromosaic[onnx]'" in capsys.readouterr().err


def test_variants_are_measured_beside_the_original(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the run's own data; that the test split is opened for it is counted where the run is kept."""
    shutil.copytree(finished.root / "store", tmp_path / "store")
    run, out = finished.results.run, tmp_path / "out"
    wanted = ["--to", "int8", "--to", "bf16", "--out", out, "--store", tmp_path / "store", "--json"]
    assert call("export", run, *wanted) == 0
    best = finished.results.winner or finished.results.nearest
    assert best is not None
    for said in json.loads(capsys.readouterr().out)["exports"]:
        variant, accuracy = said["format"], said["accuracy"]
        assert accuracy["original"]["value"] == pytest.approx(best.metrics[f"test_{accuracy['metric']}"])
        assert (accuracy["split"], accuracy["examples"], accuracy["test_opened"]) == ("test", 24, 2)
        original, own = said["latency_ms"]["original"]["p50"], said["latency_ms"][variant]["p50"]
        told = f"{variant} is slower than the original on this machine"
        assert any(sentence.startswith(told) for sentence in said["sentences"]) == (own > original > 0)
        card = (out / f"card.{variant}.md").read_text()
        assert "test split was opened once more" in card
        assert f'torch.export.load("model.{variant}.pt2")' in card
        assert (out / f"model.{variant}.pt2").stat().st_size == said["bytes"][f"model.{variant}.pt2"]
    opened = [event for event in Store(tmp_path / "store").events(run) if event.kind == "test.opened"]
    assert len(opened) == 2


def test_without_its_data_a_variant_says_that_nobody_knows_how_well_it_predicts(
    folder: Path, workers: Workers, tmp_path: Path
) -> None:
    exporter, material = Exporter(read_material(folder), *workers), read_material(folder)
    data = _opened(tmp_path, material, str(tmp_path / "gone.csv"))
    found = measured(exporter, exporter.export("int8"), exporter.export("torch-export"), data, "a machine")
    assert found.described()["accuracy"] is None
    assert "How well it predicts was not measured: " in found.files["card.int8.md"].decode()
    loaded = torch.export.load(io.BytesIO(found.files["model.int8.pt2"])).module()
    x = torch.randn(5, 10)
    original = exporter.outputs(from_torch(x))
    assert 0 < np.abs(loaded(x).detach().numpy() - original).max() < 0.1 * np.abs(original).max()
