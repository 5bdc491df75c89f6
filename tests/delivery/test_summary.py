"""`report.md`, the plots as files, and the card's header."""

from dataclasses import replace
from xml.etree import ElementTree

import torch
import yaml

from neuromosaic.core.graph.export import export_module
from neuromosaic.delivery.card import card
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.summary import STORY, pictures, summary
from tests.core.graph.test_outline import Blocks


def test_the_summary_answers_first(digits: Delivery, missed: Delivery) -> None:
    met, _, story = summary(digits).partition(STORY)
    assert met.startswith("# r0s0-4c1d2e meets the brief: test accuracy 0.9851 ")
    assert "- ✅ 14,218 parameters, limit 20,000" in met
    assert "| linear (baseline) | no network | 0.9440 |" in met
    assert "![metric against size](pareto.svg)" in met
    assert "## Who decided what" in story
    assert "- ❌ missed: 14,218 parameters, limit 5,000: 2.8 times too many" in summary(missed)


def test_the_summary_lists_the_networks_layers(digits: Delivery) -> None:
    graph = export_module(Blocks(depth=3), (torch.randn(2, 4),))
    text = summary(replace(digits, graph=graph))
    assert "| stem | linear 4 → 6; ReLU | 6 | 30 |" in text
    assert "| blocks.0.branch.0 (\u00d7 3) | linear 6 → 12; GELU | 12 | 252 |" in text
    assert "## The network" not in summary(replace(digits, graph=None))


def test_the_summary_says_what_was_dropped_and_why(digits: Delivery) -> None:
    text = summary(digits)
    assert "| r0s2 | dropped at behave |" in text
    assert "layer head gets no gradient" in text
    assert "12 trials were trained" in text
    assert "caught 1 of 2 deliberately broken variants" in text
    assert "Not caught: relu became identity" in text


def test_the_plots_are_documents_for_light_and_dark(digits: Delivery) -> None:
    drawn = pictures(digits)
    assert set(drawn) == {"pareto.svg", "learning.svg"}
    for svg in drawn.values():
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme: dark" in svg
        assert len(svg) < 60_000


def test_the_cards_header_is_what_model_hubs_read(digits: Delivery, language: Delivery, regression: Delivery) -> None:
    header = yaml.safe_load(card(digits).split("---\n")[1])
    assert (header["library_name"], header["pipeline_tag"]) == ("pytorch", "image-classification")
    (model,) = header["model-index"]
    metrics = {metric["type"]: metric["value"] for metric in model["results"][0]["metrics"]}
    best = digits.results.winner
    assert best is not None
    assert metrics["accuracy"] == best.metrics["test_accuracy"]
    assert yaml.safe_load(card(language).split("---\n")[1])["pipeline_tag"] == "text-generation"
    assert "regression" in yaml.safe_load(card(regression).split("---\n")[1])["tags"]
