"""The suite for evaluators passes what is sound, and names what is not."""

from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.search.evaluator import BaseEvaluator
from neuromosaic.testing.evaluators import check_evaluator


class Sound(BaseEvaluator):
    """Counts up; goes on from what it left."""

    def evaluate(
        self, architecture: Any, fidelity: int = 3, report: Any = None, checkpoint: Path | None = None
    ) -> dict[str, float]:
        file = checkpoint / "step" if checkpoint else None
        done = int(file.read_text()) if file and file.exists() else 0
        for step in range(done + 1, fidelity + 1):
            done = step
            if report is not None and report(step, float(step)):
                break
        if file:
            file.write_text(str(done))
        return {"value": float(done)}


def test_a_sound_one_passes() -> None:
    check_evaluator(Sound, {"width": 3})
    check_evaluator(lambda: lambda point: point["width"], {"width": 3})


class Endless(Sound):
    def evaluate(self, architecture: Any, **more: Any) -> dict[str, float]:
        return {"value": float("nan")}


class Changing(Sound):
    def evaluate(self, architecture: Any, **more: Any) -> dict[str, float]:
        architecture["width"] += 1
        return {"value": 1.0}


class Deaf(Sound):
    def evaluate(self, architecture: Any, report: Any = None) -> dict[str, float]:  # type: ignore[override]
        if report is not None:
            for step in range(3):
                report(step, 0.0)
        return {"value": 1.0}


class Falling(Sound):
    def evaluate(self, architecture: Any, report: Any = None) -> dict[str, float]:  # type: ignore[override]
        if report is not None:
            report(2, 0.0)
            report(1, 0.0)
        return {"value": 1.0}


class Greedy(Sound):
    def evaluate(self, architecture: Any, fidelity: int = 3, report: Any = None) -> dict[str, float]:  # type: ignore[override]
        return super().evaluate(architecture, 3, report)


class Forgetful(Sound):
    def evaluate(self, architecture: Any, fidelity: int = 3, checkpoint: Path | None = None) -> dict[str, float]:  # type: ignore[override]
        seen = len(list(checkpoint.iterdir())) if checkpoint else 0
        if checkpoint:
            (checkpoint / str(seen)).touch()
        return {"value": float(seen)}


class Moody(Sound):
    made = 0

    def __init__(self) -> None:
        Moody.made += 1
        self.mood = Moody.made

    def evaluate(self, architecture: Any) -> dict[str, float]:  # type: ignore[override]
        return {"value": float(self.mood)}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (Endless, "not finite"),
        (Changing, "was changed"),
        (Deaf, "told to stop after one step and reported 3"),
        (Falling, "do not rise"),
        (Greedy, "at fidelity 1 it reported 3 steps"),
        (Forgetful, "ended elsewhere"),
        (Moody, "a new evaluator gave other figures"),
    ],
)
def test_what_is_wrong_is_named(kind: type[Sound], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        check_evaluator(kind, {"width": 3})
