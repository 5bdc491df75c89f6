"""The report as Chromium shows it: on a desktop and on a phone, light and dark."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.targets import ClassTargets
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.report import report
from tests import browser

pytestmark = pytest.mark.skipif(browser.found() is None, reason="there is no Chromium: apt-get install chromium")

HOSTILE = "<script>console.error('run')</script><img src=x onerror=alert(1)>"

CONTRAST = """
(() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => {
    const [r, g, b] = numbers(color).slice(0, 3).map(x => x / 255).map(
      x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      const parts = numbers(color);
      if (color.startsWith("rgb") && (parts.length < 4 || parts[3] > 0.5)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const drawn = element.closest("svg");
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest("style, title") || drawn?.ariaLabel?.startsWith("confusion")) continue;  // on cells
    const style = getComputedStyle(element);
    const [one, other] = [light(drawn ? style.fill : style.color), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) faint.push([walker.currentNode.data.trim().slice(0, 40), ratio]);
  }
  return faint;
})()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def written(digits: Delivery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names as nobody should choose them, in every place that comes from data or models."""
    best = digits.results.winner
    assert best is not None
    names: dict[str, Any] = {"name": HOSTILE, "designed_by": HOSTILE, "values": {HOSTILE: HOSTILE}}
    winner = best.model_copy(update=names)
    results = digits.results.model_copy(update={"winner": winner, "pareto": [winner, *digits.results.pareto[1:]]})
    classes = ClassTargets(classes=(HOSTILE, *(f"class {number}" for number in range(9))))
    known = Preprocessing.model_validate_json(digits.preprocessing).model_copy(update={"targets": classes})
    run = replace(digits, results=results, preprocessing=known.model_dump_json(), notes=[HOSTILE, "long" * 100])
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(report(run), encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_without_complaint_fits_and_is_legible(
    page: browser.Page, written: Path, width: int, scheme: str
) -> None:
    page.show(width, 900, scheme)
    page.open(written)
    assert page.complaints() == []
    assert page.requests() == [written.as_uri()]
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run("document.scripts.length") == 0
    assert page.run(CONTRAST) == []
    dark = page.run("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"
    assert dark == (scheme == "dark")


def test_marks_show_their_figures_to_the_keyboard(page: browser.Page, written: Path) -> None:
    page.show(1280, 900, "light")
    page.open(written)
    tip = "getComputedStyle(document.querySelector('.wide-parameters-t1')).visibility"
    assert page.run(tip) == "hidden"
    page.run("document.querySelector('.wide-parameters-m1').focus()")
    assert page.run(tip) == "visible"


def test_the_axis_is_chosen_without_a_script(page: browser.Page, written: Path) -> None:
    page.show(1280, 900, "light")
    page.open(written)
    shown = "[...document.querySelectorAll('.panel')].filter(x => x.getClientRects().length).map(x => x.classList[1])"
    assert page.run(shown) == ["parameters"]
    page.run("document.querySelector('label[for=axis-latency]').click()")
    assert page.run(shown) == ["latency"]


def test_figures_lead_to_their_evidence(page: browser.Page, written: Path) -> None:
    page.show(390, 800, "light")
    page.open(written)
    page.run("document.querySelector('a.figure').click()")
    assert page.run("document.querySelector(':target').closest('#evidence') !== null")


@pytest.mark.parametrize("run", ["missed", "regression", "language"])
def test_other_runs_open_and_fit_as_well(
    page: browser.Page, run: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report(request.getfixturevalue(run)), encoding="utf-8")
    page.show(390, 800, "dark")
    page.open(file)
    assert page.complaints() == []
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.run(CONTRAST) == []
