"""What a terminal shows of a finished run."""

import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.interfaces.inspect import print_results
from tests.delivery.conftest import Delivery, digits_like, load_dataset


@pytest.fixture(scope="module")
def delivery() -> Delivery:
    return digits_like(load_dataset(Brief(data="digits")))


def test_a_figure_stands_on_one_line_however_long_the_names_are(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    winner = delivery.results.winner
    assert winner is not None
    named = winner.model_copy(update={"name": "a-network-that-has-a-part-behind-it-and-one-beside-it-9912e9"})
    print_results(delivery.results.model_copy(update={"winner": named, "pareto": [named]}))
    shown = capsys.readouterr().out.split("meets the brief:")[0]  # the table
    assert f"{winner.metrics[f'test_{delivery.results.metric}']:.4f}" in shown
    assert f"{winner.parameters:,}" in shown
