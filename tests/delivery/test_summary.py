"""`report.md`, the plots as files, and the card's header."""

from xml.etree import ElementTree

import yaml

from neuromosaic.delivery.card import card
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.summary import pictures, summary


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
