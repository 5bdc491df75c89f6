"""A request's template of one's own comes before the built-in one, and is as narrowly held."""

import re
from pathlib import Path

import pytest

from neuromosaic.core.errors import RoleError
from neuromosaic.core.proposals import MetricsPlan, Request
from neuromosaic.core.role_inputs import MetricsInputs
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.requests import template_names
from neuromosaic.prompts.roles import check_roles, eject, load_roles
from neuromosaic.testing import example_task

ASKED = Request[MetricsPlan](
    role="Metrics",
    purpose="plan",
    inputs=MetricsInputs(**example_task(), available=("accuracy", "macro_f1")),
    reply=MetricsPlan,
)


def written(folder: Path, text: str, name: str = "metrics.plan.j2") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def asked(folder: Path) -> str:
    return messages(load_roles(folder)["Metrics"], ASKED)[-1]["content"]


def test_it_is_sent_instead_and_finds_what_the_built_in_ones_share(tmp_path: Path) -> None:
    text = asked(written(tmp_path / "agents", '{% import "_shared.j2" as shared %}Plan.\n{{ shared.task(inputs) }}'))
    assert text.startswith("Plan.\n## Task")
    assert "[batch, 1, 8, 8]" in text
    assert "Plan." not in messages(load_roles()["Metrics"], ASKED)[-1]["content"]


def test_the_built_in_one_is_copied_to_be_changed(tmp_path: Path) -> None:
    path = eject("metrics.plan.j2", tmp_path / "agents")
    assert asked(path.parent) == messages(load_roles()["Metrics"], ASKED)[-1]["content"]
    assert check_roles(path.parent) == []
    with pytest.raises(RoleError, match="is there already"):
        eject("metrics.plan.j2", tmp_path / "agents")


@pytest.mark.parametrize("name", template_names())
def test_each_can_be_copied(name: str, tmp_path: Path) -> None:
    assert eject(name, tmp_path).read_text()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("metrics.plann.j2", "x", r"plann\.j2: no request has this template: did you mean metrics\.plan\.j2"),
        ("zzz.j2", "x", "no request has this template: known: "),
        ("metrics.plan.j2", "a\n{% if %}", r"metrics\.plan\.j2, line 2: Expected an expression"),
    ],
)
def test_what_is_wrong_with_it_is_found(name: str, text: str, told: str, tmp_path: Path) -> None:
    (finding,) = check_roles(written(tmp_path / "agents", text, name))
    assert finding.severity == "error"
    assert re.search(told, finding.message)


def test_what_is_no_text_is_found(tmp_path: Path) -> None:
    folder = written(tmp_path / "agents", "")
    (folder / "metrics.plan.j2").write_bytes(b"\xff")
    assert "cannot be read" in check_roles(folder)[0].message


@pytest.mark.parametrize("text", ["{{ inputs.nothing }}", "{{ inputs.__class__.__mro__ }}", "{% if %}"])
def test_what_cannot_be_filled_in_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(RoleError, match=r"the prompt template metrics\.plan\.j2 \(yours, .*cannot be filled in"):
        asked(written(tmp_path / "agents", text))


def test_a_name_that_nothing_has_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(RoleError, match=r"there is no template metrics\.plam\.j2: did you mean metrics\.plan\.j2"):
        eject("metrics.plam.j2", tmp_path)
