import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, NamedTuple

import numpy as np
import pytest

from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.targets import ClassTargets, NumberTargets
from neuromosaic.delivery.contents import Delivery, Predictions
from neuromosaic.delivery.history import Moment
from neuromosaic.delivery.report import report
from neuromosaic.delivery.view import moments, proofs, tiles

HOSTILE = "<script>alert(1)</script> $x^{ & \"' 数字"
RUNS = ("digits", "missed", "regression", "language")
VOID = {"meta", "br", "link", "img", "input", "path", "use", "rect"}


class Page(HTMLParser):
    """Checks that elements close in order; collects ids, links, texts and element names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "xlink:href"):
                self.links.add(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


class Written(NamedTuple):
    run: Delivery
    text: str


@pytest.fixture(scope="module", params=RUNS)
def written(request: pytest.FixtureRequest) -> Written:
    run: Delivery = request.getfixturevalue(request.param)
    return Written(run, report(run))


def test_the_page_is_whole_and_needs_nothing_else(written: Written) -> None:
    text = written.text
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.links <= {f"#{name}" for name in page.ids}
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)
    assert not page.names & {"script", "link", "img", "iframe"}
    assert not re.search(r"@import|src=|https?://(?!www\.w3\.org/)", text)
    assert len(text.encode()) < 600_000


def test_it_serves_light_dark_and_narrow_screens(written: Written) -> None:
    text = written.text
    assert "prefers-color-scheme: dark" in text
    assert "max-width: 620px" in text
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    defined = set(re.findall(r"(--[a-z-]+):", text))
    assert set(re.findall(r"var\((--[a-z-]+)\)", text)) <= defined
    assert not re.search(r"(?:fill|stroke): #", drawn), "a colour that no style sheet decides"


def test_every_figure_of_the_delivered_network_is_linked_to_its_evidence(written: Written) -> None:
    page, results = Page(written.text), written.run.results
    best = results.winner or results.nearest
    assert best is not None
    assert {f"#{evidence}" for evidence in best.evidence.values()} <= page.links
    assert set(best.evidence.values()) <= set(page.ids)


ANSWERS = {"met": "Meets the brief", "not met": "Does not meet the brief", "stopped": "Stopped early"}


def test_the_answer_comes_first(written: Written) -> None:
    results = written.run.results
    answer = ANSWERS[results.status] if results.constraints else "Done"
    assert 0 < written.text.index(answer) < written.text.index("Against the brief")


def test_a_run_that_was_stopped_says_so(digits: Delivery) -> None:
    stopped = digits.results.model_copy(update={"status": "stopped"})
    assert ANSWERS["stopped"] in report(replace(digits, results=stopped, curves={}, predictions=None))


def test_tiles_hold_the_figures_beside_their_limits(digits: Delivery, missed: Delivery) -> None:
    accuracy, parameters, _, memory = tiles(digits.results)
    assert (accuracy.met, accuracy.note) == (True, "95%: 0.9624 to 0.9942; at least 0.9 wanted")
    assert (parameters.met, round(parameters.share or 0)) == (True, 71)
    assert (memory.met, memory.note) == (None, "no limit given")
    assert tiles(missed.results)[1].share == 100
    assert tiles(digits.results.model_copy(update={"winner": None})) == []


LOOKS = {
    "classification": {"predicted", "confidence", "Class by class"},
    "regression": {"predicted value", "predicted minus actual value"},
    "language_modelling": {"characters read", "next character", "space"},
}


def test_each_task_gets_its_own_look_at_mistakes(written: Written) -> None:
    task = Preprocessing.model_validate_json(written.run.preprocessing).task
    assert LOOKS[task] <= set(Page(written.text).texts)


def test_several_targets_are_shown_one_by_one(regression: Delivery) -> None:
    targets = NumberTargets(mean=(0.0, 0.0), std=(1.0, 1.0), columns=("height", HOSTILE))
    known = Preprocessing.model_validate_json(regression.preprocessing).model_copy(update={"targets": targets})
    values = np.arange(20.0).reshape(10, 2)
    both = replace(regression, preprocessing=known.model_dump_json(), predictions=Predictions(values, values))
    page = Page(report(both))
    assert "actual height" in page.texts
    assert any("actual <script>alert(1)</script>" in text for text in page.texts)
    assert "script" not in page.names


def test_nothing_that_was_written_elsewhere_becomes_markup(digits: Delivery) -> None:
    names = (HOSTILE, "$\\frac{", *(f"c{number}" for number in range(8)))
    known = Preprocessing.model_validate_json(digits.preprocessing)
    known = known.model_copy(update={"targets": ClassTargets(classes=names)})
    assert digits.results.winner is not None
    update: dict[str, Any] = {"name": HOSTILE, "designed_by": HOSTILE, "values": {HOSTILE: HOSTILE}}
    winner = digits.results.winner.model_copy(update=update)
    brief = digits.results.brief.model_copy(update={"sentence": HOSTILE})
    results = digits.results.model_copy(update={"winner": winner, "brief": brief, "models": {"Trainer": HOSTILE}})
    mutant = {"kind": HOSTILE, "description": HOSTILE, "fate": "killed", "killed_by": [HOSTILE] * 5}
    text = report(
        replace(
            digits, results=results, preprocessing=known.model_dump_json(), notes=[HOSTILE], mutants=[mutant],
            tests={HOSTILE: "failed"}, evidence={f"e-{1:012x}": {"kind": HOSTILE}},
        )
    )  # fmt: skip
    assert "script" not in Page(text).names
    assert "数字" in text


def test_many_classes_are_listed_by_the_worst(digits: Delivery) -> None:
    draw = np.random.default_rng(0)
    targets = draw.integers(0, 100, 500)
    outputs = draw.normal(size=(500, 100)).astype(np.float32)
    outputs[np.arange(500), targets] += 2
    known = Preprocessing.model_validate_json(digits.preprocessing)
    known = known.model_copy(update={"targets": ClassTargets(classes=tuple(f"kind {n}" for n in range(100)))})
    text = report(replace(digits, preprocessing=known.model_dump_json(), predictions=Predictions(outputs, targets)))
    assert "The 15 classes it recognises least, of 100" in text
    assert "confusion matrix" not in text
    assert "Most frequent mistakes" in text


def test_a_perfect_network_has_no_table_of_mistakes(digits: Delivery) -> None:
    targets = np.arange(10)
    text = report(replace(digits, predictions=Predictions(10 * np.eye(10, dtype=np.float32), targets)))
    assert "Most frequent mistakes" not in text
    assert "Class by class" in text


@pytest.mark.parametrize("outputs", [np.full((3, 10), np.nan, np.float32), np.zeros((0, 10), np.float32)])
def test_predictions_that_say_nothing_are_not_drawn(digits: Delivery, outputs: np.ndarray) -> None:
    targets = np.zeros(len(outputs), np.int64)
    page = Page(report(replace(digits, predictions=Predictions(outputs, targets))))
    assert "mistakes" not in page.ids


def test_a_bare_delivery_still_makes_a_page(digits: Delivery) -> None:
    """Nothing but what every run has."""
    bare = Delivery(
        digits.results, digits.model_source, digits.suite_source, digits.weights, digits.preprocessing, digits.data,
        digits.hardware,
    )  # fmt: skip
    page = Page(report(bare))
    assert {"answer", "trade-offs", "candidates", "tests", "again", "evidence"} <= set(page.ids)
    assert not {"learning", "mistakes", "architecture", "search"} & set(page.ids)


def test_the_network_is_drawn_by_its_layers(digits: Delivery) -> None:
    page = Page(report(digits))
    assert {"architecture", "architecture-head"} <= set(page.ids)
    assert {"linear 64 → 24", "linear 24 → 10", "1,608"} <= set(page.texts)
    assert "1 \u00d7 8 \u00d7 8" in page.texts


def test_what_the_search_was_worth_is_shown_beside_random_draws(digits: Delivery) -> None:
    text = report(digits)
    assert "best validation accuracy by number of trials" in text
    assert "Best of 12 trials" in Page(text).texts


def test_a_very_long_run_stays_readable(digits: Delivery) -> None:
    timeline = [Moment(float(number), "note", f"line {number}", False) for number in range(20_000)]
    evidence = {f"e-{1:012x}": {"kind": "test-split", "outputs": list(range(50_000))}}
    history = replace(digits.history, timeline=timeline, trials=list(digits.history.trials) * 3000)
    curves = {name: list(rows) * 400 for name, rows in digits.curves.items()}
    long = replace(digits, history=history, evidence=evidence, curves=curves)
    assert len(report(long).encode()) < 600_000
    assert ("", "… 19,600 lines left out …", False) in moments(long)
    assert "characters more in the store" in proofs(long)[0].detail
