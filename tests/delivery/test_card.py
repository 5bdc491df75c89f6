import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from neuromosaic.core.brief import Brief, Budget
from neuromosaic.core.brief_file import read_brief_file
from neuromosaic.core.evaluation.data.inputs import Category, Scaling, SequenceInputs, TabularInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.targets import ClassTargets
from neuromosaic.delivery.card import card
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.limits import limits_of_evidence
from neuromosaic.delivery.reproducing import brief_yaml, command, repeatable
from neuromosaic.delivery.templates import markdown
from neuromosaic.delivery.usage import snippet


def test_rows_with_texts_and_sequences_have_a_snippet_too() -> None:
    scaling = Scaling(mean=(0.0, 1.0), std=(1.0, 1.0), low=(0.0, 0.0), high=(1.0, 1.0))
    targets = ClassTargets(classes=("a", "b"))
    town = Category(name="town", values=("Oslo", "Rome", "Bonn"))
    table = TabularInputs(columns=("x", "y"), scaling=scaling, categories=(town,))
    assert "torch.zeros(2, 5)" in snippet(Preprocessing(task="classification", inputs=table, targets=targets))
    series = SequenceInputs(shape=(12, 2), scaling=scaling)
    assert "torch.zeros(2, 12, 2)" in snippet(Preprocessing(task="classification", inputs=series, targets=targets))


def test_the_card_says_what_why_and_how_sure(digits: Delivery) -> None:
    text = card(digits)
    assert text.partition("---\n\n")[2].startswith("# r0s0-4c1d2e\n\n**r0s0-4c1d2e meets the brief")
    for said in (
        "Asked for: classify 8x8 grey images", "met: 14,218 parameters, limit 20,000", "| majority (baseline) |",
        "e-000000000001", "the test split was opened once", "Example CPU at 2.4 GHz", "graph lane", "seccomp",
        "caught 1 of 2", "neuromosaic design brief.yaml", "torch 2.13.0", "269 test examples", "width = 24",
    ):  # fmt: skip
        assert said in text
    assert "\n\n\n" not in text


def test_the_card_of_a_miss_says_by_how_much(missed: Delivery) -> None:
    assert "- **missed**: 14,218 parameters, limit 5,000: 2.8 times too many" in card(missed)


def test_the_brief_can_be_saved_and_read_again(digits: Delivery, tmp_path: Path) -> None:
    (block,) = re.findall(r"brief.yaml`:\n\n((?:    .*\n)+)", card(digits))
    (tmp_path / "brief.yaml").write_text(re.sub("(?m)^    ", "", block), encoding="utf-8")
    assert read_brief_file(tmp_path / "brief.yaml") == digits.results.brief


def test_the_command_seats_the_same_models(digits: Delivery) -> None:
    results = digits.results
    one = results.model_copy(update={"models": {"Metrics": "openai/x", "Trainer": "openai/x"}})
    two = results.model_copy(update={"models": {"Metrics": "openai/x", "Trainer": "offline"}})
    assert command(results) == "neuromosaic design brief.yaml"
    assert command(one) == "neuromosaic design brief.yaml --model openai/x"
    assert command(two) == "neuromosaic design brief.yaml --model Metrics=openai/x --model Trainer=offline"
    assert "otherwise" in repeatable(one)


def test_what_may_be_expected_of_a_repetition_depends_on_the_budget(digits: Delivery) -> None:
    timed = digits.results.model_copy(update={"brief": Brief(data="digits", budget=Budget(seconds=60))})
    assert "bit for bit" in repeatable(digits.results)
    assert "clock" in repeatable(timed)
    assert yaml.safe_load(brief_yaml(timed)) == {"data": "digits", "budget": {"seconds": 60.0}, "seed": 0}


def test_the_weaker_lane_and_an_unproven_suite_are_told(digits: Delivery) -> None:
    assert digits.results.winner is not None
    winner = digits.results.winner.model_copy(update={"lane": "python"})
    results = digits.results.model_copy(update={"winner": winner})
    history = replace(digits.history, test_openings=3)
    said = "\n".join(limits_of_evidence(replace(digits, results=results, mutants=(), history=history)))
    assert "weaker evidence than the graph lane" in said
    assert "faced no broken variants" in said
    assert "opened 3 times" in said


def test_a_run_without_a_network_has_no_evidence_to_limit(digits: Delivery) -> None:
    empty = replace(digits, results=digits.results.model_copy(update={"winner": None}))
    assert limits_of_evidence(empty) == []


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a | b", r"a \| b"), ("<script>", r"\<script\>"), ("[x](y)", r"\[x\](y)"), ("two\nlines", "two lines"),
        ("# head", r"\# head"), ("snake_case", "snake_case"), ("_soft_", r"\_soft\_"), ("**", r"\*\*"), ("-", "-"),
    ],
)  # fmt: skip
def test_markdown_finds_nothing_to_format(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


def test_a_hostile_name_stays_in_its_cell(digits: Delivery) -> None:
    assert digits.results.winner is not None
    winner = digits.results.winner.model_copy(update={"designed_by": "evil | \n# <img src=x>"})
    text = card(replace(digits, results=digits.results.model_copy(update={"winner": winner})))
    assert r"| evil \| # \<img src=x\> |" in text
