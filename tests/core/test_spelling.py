"""Guesses at what was meant."""

from neuromosaic.core.spelling import did_you_mean, suggest

KNOWN = ["depth", "width", "Activation"]


def test_a_slip_is_recognised_whatever_the_case() -> None:
    assert did_you_mean("Widht", KNOWN) == " (did you mean 'width'?)"
    assert did_you_mean("activations", KNOWN) == " (did you mean 'Activation'?)"
    assert did_you_mean("zebra", KNOWN) == ""


def test_where_nothing_is_close_it_says_what_is_known() -> None:
    assert suggest("Widht", KNOWN) == " (did you mean 'width'?)"
    assert suggest("zebra", KNOWN) == " (known: 'Activation', 'depth', 'width')"
    assert suggest("zebra", [f"x{n:02}" for n in range(14)]).endswith("'x11' and 2 more)")
    assert suggest("zebra", []) == ""
