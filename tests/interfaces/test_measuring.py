"""`neuromosaic measure`: a delivered network, timed behind the boundary and in the judge."""

import json
from pathlib import Path

import pytest

from neuromosaic.delivery.folder import deliver
from neuromosaic.interfaces import cli, measuring
from tests.delivery.conftest import regression_like


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return deliver(tmp_path / "net", regression_like())[0].parent


def call(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def test_a_delivered_network_is_measured(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "REPEATS", 5)
    assert call("measure", folder, "--batch", 1, "--batch", 4, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["batch"] for one in found["speeds"]] == [1, 4]
    assert found["speeds"][1]["throughput"] == pytest.approx(4000 / found["speeds"][1]["p50"])
    assert found["roofline"]["gflops"] > 0
    table = measuring.table(found).splitlines()
    assert table[0].split() == ["batch", "p50", "ms", "p95", "p99", "outliers", "examples/s", "of", "roofline"]
    assert [line.split()[0] for line in table[1:3]] == ["1", "4"]
    assert "FLOPs per byte" in table[3]
    assert table[4] == found["load"]["said"]


def test_what_cannot_be_measured_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("measure", folder, "--batch", 0) == 2
    assert "whole numbers of at least 1" in capsys.readouterr().err
    assert call("measure", tmp_path / "none") == 2
    assert "is no delivered folder" in capsys.readouterr().err
