"""A loss of the user's own in a whole run: tried first, trained with, and delivered along with the network."""

import json
from pathlib import Path

import pytest

from neuromosaic.core.brief import Budget
from neuromosaic.core.errors import UsageError
from neuromosaic.workflows.own_loss import read
from tests.small_runs import design, iris

LOSS = """\
import torch
from torch import nn


class Margin(nn.Module):
    def forward(self, output, target):
        right = output.gather(1, target[:, None])
        return (1.0 + output - right).clamp(min=0.0).square().mean()


class Deaf(nn.Module):
    def forward(self, output, target):
        return output.square().mean()
"""


@pytest.fixture
def losses(tmp_path: Path) -> str:
    (tmp_path / "losses.py").write_text(LOSS, encoding="utf-8")
    return str(tmp_path / "losses.py")


def test_a_run_trains_with_it_and_delivers_it(tmp_path: Path, losses: str) -> None:
    told: list[str] = []
    brief = iris(loss=f"{losses}:Margin", budget=Budget(trials=1))
    results = design(tmp_path, brief, lambda event: told.append(str(event.data.get("text", ""))))
    assert results.winner is not None
    assert results.winner.metrics["test_accuracy"] > 0.8
    assert results.recipe["loss_graph"]
    assert (tmp_path / "out" / "loss.py").read_text(encoding="utf-8") == LOSS
    assert any("Margin, which passed its gates" in text for text in told)
    assert "that of loss.py" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    kept = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert kept["brief"]["loss"] == f"{losses}:Margin"


def test_a_loss_that_cannot_be_used_ends_the_run_before_anything_is_designed(tmp_path: Path, losses: str) -> None:
    kinds: list[str] = []
    with pytest.raises(UsageError, match=r"loss .*losses.py:Deaf: .* does not look at them"):
        design(tmp_path, iris(loss=f"{losses}:Deaf"), lambda event: kinds.append(event.kind))
    assert "family.accepted" not in kinds


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("losses.py", "name a file and a class in it"),
        ("losses.txt:Margin", "name a file and a class in it"),
        ("nowhere.py:Margin", "cannot be read: No such file"),
        ("FILE:Magrin", "no class Magrin at its top level \\(did you mean 'Margin'"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(losses: str, named: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        read(named.replace("FILE", losses))


def test_a_file_that_is_no_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("class Loss(:", encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken\.py is not Python"):
        read(f"{tmp_path / 'broken.py'}:Loss")
