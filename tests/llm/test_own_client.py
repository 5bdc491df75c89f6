"""A model client of one's own is one file, named MODULE:FACTORY."""

from pathlib import Path

import pytest

from neuromosaic.core.errors import UsageError
from neuromosaic.core.proposals import Judgement, Request
from neuromosaic.llm.choose import check_name, client_for
from neuromosaic.prompts.roles import load_roles

SOURCE = """
from neuromosaic.core.proposals import Judgement


class Certain:
    name = "certain"

    def ask(self, request):
        return Judgement(decision="certify", reason="as always")


def nothing():
    return 1
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clients_of_mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_it_answers_for_the_roles(judge_request: Request[Judgement]) -> None:
    reply, who = client_for(["clients_of_mine:Certain"], roles=load_roles()).ask_named(judge_request)
    assert (reply.reason, who) == ("as always", "certain")


@pytest.mark.parametrize(
    "name", ["offline", "openai/x", "ensemble:a/b+c/d", "clients_of_mine:Certain", "scripted:replies/x", "a/b:free"]
)
def test_what_may_be_a_client_s_name_passes(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["X", "", "openai/", "ensemble:a/b+c"])
def test_what_is_no_client_s_name_is_told_at_once(name: str) -> None:
    with pytest.raises(UsageError, match="names no model"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("clients_of_mine:nothing", "made no model client"),
        ("clients_of_mine:Missing", "AttributeError"),
        ("no_such_module_here:x", "ModuleNotFoundError"),
    ],
)
def test_what_is_no_client_is_named(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        client_for([name], roles=load_roles())
