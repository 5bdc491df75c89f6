"""The certificate of a generative network says whether its draws are training examples."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neuromosaic.workflows.certifying import tell_copies

DRAW = np.random.default_rng(0)
KNOWN, HELD, ALIKE = (DRAW.standard_normal((count, 4)).astype(np.float32) for count in (300, 100, 100))


class Bench:
    """As much of a workbench as is asked: what was proven, and what was told."""

    def __init__(self, task: str = "generation", known: Any = KNOWN) -> None:
        contract, train = SimpleNamespace(task=task), SimpleNamespace(x=known)
        self.dataset = SimpleNamespace(contract=contract, train=train)
        self.proven: dict[str, float] = {}
        self.told: list[str] = []

    def prove(self, kind: str, **figures: Any) -> str:
        self.proven = figures
        return f"e-{kind}"

    def tell(self, kind: str, text: str) -> None:
        assert kind == "note"
        self.told.append(text)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize(("draws", "said"), [(ALIKE, "no sign of copies"), (KNOWN[:100], "it may be handing out")])
def test_what_was_found_is_proven_and_told(draws: Any, said: str, parts: int) -> None:
    bench = Bench()
    tell_copies(bench, "gan-1", np.stack([*[HELD] * (parts - 1), draws], 1), HELD)  # type: ignore[arg-type]
    assert (bench.proven["draws"] > 0.9) == ("handing" in said)
    (text,) = bench.told
    assert text.startswith(f"{bench.proven['draws']:.1%} of the draws of gan-1 are next to a training example")
    assert said in text
    assert "(evidence e-copies)" in text


@pytest.mark.parametrize("bench", [Bench(task="classification"), Bench(known=KNOWN[:20])])
def test_where_there_is_nothing_to_say_nothing_is_said(bench: Bench) -> None:
    tell_copies(bench, "one", ALIKE[:, None], HELD)  # type: ignore[arg-type]
    assert bench.told == []
