"""The ladder on the zoo: no sound network is refused, no broken twin is accepted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import Signature, read_tensor
from neuromosaic.core.validation.files import Construction, Report, validate
from neuromosaic.core.validation.ladder import Ladder
from tests.zoo.catalogue import SPECIMENS, Specimen

MODELS = Path(__file__).parent / "models"
MEMORY = {"memory", "too-much-memory"}
"""What is found depends on whether it shows while it runs, or before."""
SECONDS = {"timeout": 3.0}
"""An endless loop need not be waited for."""


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[ProcessSandbox, ProcessJudge]]:
    sandbox, judge = ProcessSandbox(1), ProcessJudge(1)
    yield sandbox, judge
    sandbox.close()
    judge.close()


def signature(specimen: Specimen) -> Signature:
    own = not specimen.inputs
    axes = () if specimen.batch_axis is None else (0, 1) if own else (specimen.batch_axis,)
    return Signature.model_validate(
        {
            "inputs": [read_tensor(text) for text in specimen.inputs],
            "outputs": [read_tensor(text) for text in specimen.outputs],
            "batch_axes": axes, "task": specimen.task, "loss": specimen.loss,
        }
    )  # fmt: skip


def sampled() -> list[Any]:
    """Every eighth at any time, the others with the marker `soak`."""
    return [
        pytest.param(one, marks=() if number % 8 == 0 else pytest.mark.soak) for number, one in enumerate(SPECIMENS)
    ]


def judged(specimen: Specimen, file: Path, workers: tuple[ProcessSandbox, ProcessJudge], timeout: float) -> Report:
    ladder = Ladder(*workers, signature(specimen), timeout=timeout, strict=False)
    (report,) = validate([file], ladder, Construction("Model", values=specimen.init or None))
    return report


@pytest.mark.parametrize("specimen", sampled(), ids=lambda specimen: specimen.name)
def test_a_sound_network_is_accepted_in_its_lane(
    specimen: Specimen, workers: tuple[ProcessSandbox, ProcessJudge]
) -> None:
    report = judged(specimen, MODELS / f"{specimen.name}.py", workers, 60.0)
    assert [finding for finding in report.climb.findings if finding.severity == "error"] == []
    assert report.accepted
    assert report.climb.lane == specimen.lane, report.climb.findings


@pytest.mark.parametrize("specimen", sampled(), ids=lambda specimen: f"{specimen.name}-{specimen.twin.code}")
def test_a_broken_twin_is_refused_for_its_fault(
    specimen: Specimen, workers: tuple[ProcessSandbox, ProcessJudge], tmp_path: Path
) -> None:
    twin = specimen.twin
    broken = tmp_path / f"{specimen.name}.py"
    broken.write_text((MODELS / broken.name).read_text().replace(twin.old, twin.new))
    report = judged(specimen, broken, workers, SECONDS.get(twin.code, 60.0))
    assert not report.accepted
    named = {finding.code for finding in report.climb.findings if finding.severity == "error"}
    assert named & (MEMORY if twin.code in MEMORY else {twin.code})
