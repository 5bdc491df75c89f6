import pytest

from neuromosaic.delivery.narration import duration, narrate, number

CALL = {
    "model": "m",
    "cached": False,
    "prompt_tokens": 1500,
    "completion_tokens": 5,
    "cost_usd": None,
    "seconds": 2.0,
}
TRIAL = {"contestant": "random_search", "name": "n", "parameters": 1200, "metric": "accuracy", "value": 0.5,
         "cause": "stopped"}  # fmt: skip
VERDICT = {"family": "f", "gate": "shape", "passed": True, "milliseconds": 3.2, "findings": []}
FINDING = {"message": "too large", "severity": "error"}


@pytest.mark.parametrize(
    ("kind", "data", "line"),
    [
        ("role.started", {"role": "Trainer", "purpose": "propose-recipes"}, "Trainer: propose recipes"),
        ("role.started", {"role": "Trainer", "purpose": "repair", "seat": "r0s1"}, "Trainer (r0s1): repair"),
        ("model.called", CALL, "  m: 1,505 tokens in 2 s"),
        ("model.called", {**CALL, "cost_usd": 0.5}, "  m: 1,505 tokens in 2 s, $0.5000"),
        ("model.called", {**CALL, "cached": True}, "  m: answered from the store"),
        ("gate.verdict", VERDICT, "  f passed shape (3 ms)"),
        ("gate.verdict", {**VERDICT, "passed": False, "findings": [FINDING]}, "  f stopped at shape: too large"),
        ("suite.red", {"findings": [FINDING]}, "  the suite does not count yet: too large"),
        ("suite.red", {"findings": []}, "  red: the suite fails on hollow stubs, as it must"),
        ("trial.finished", TRIAL, "  random search: n, 1,200 parameters, accuracy 0.5 [stopped]"),
        ("trial.finished", {**TRIAL, "value": None, "cause": "finished"},
         "  random search: n, 1,200 parameters, nothing usable"),
        ("finalists.started", {"names": ["a", "b"], "fidelity": 1.0}, "Training in full: a, b"),
        ("finalists.started", {"names": ["a"], "fidelity": 0.6}, "Training 60%: a"),
        ("finalists.started", {"names": ["a"], "fidelity": 1.5},
         "Training 1.5 times as long as planned, as there is time: a"),
        ("certified", {"name": "n", "metrics": {"val_auroc": 1.0, "test_auroc": float("nan")}},
         "  certified n: test_auroc -"),
        ("nobody.knows", {}, None),
    ],
)  # fmt: skip
def test_an_event_in_words(kind: str, data: dict[str, object], line: str | None) -> None:
    assert narrate(kind, data) == line


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (float("nan"), "-"), (float("inf"), "infinite"), (float("-inf"), "minus infinite"),
     (0.98765, "0.9877"), (3.0, "3"), (12345.6, "12,346")],
)  # fmt: skip
def test_a_figure_in_words(value: float | None, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(("seconds", "said"), [(12.4, "12 s"), (61, "1:01 min"), (7500, "2:05 h")])
def test_a_duration_in_words(seconds: float, said: str) -> None:
    assert duration(seconds) == said
