"""The line breaks after the server has done its part: run again, there is one branch and one pull request."""

import socket
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.publishing import Choice
from tests.delivery.pull_requests import fake_forges
from tests.delivery.pull_requests.conftest import Repo
from tests.delivery.pull_requests.fake_forges import Forge
from tests.delivery.pull_requests.test_publishing import BRANCH, KINDS, forge, no_waiting, propose

__all__ = ["forge", "no_waiting"]

STEPS = {
    "the branch was offered": ("GET", "git-receive-pack"),
    "the branch was taken": ("POST", "git-receive-pack"),
    "pull requests were listed": ("GET", "/api/"),
    "a pull request was opened": ("POST", "/api/"),
}
"""What the server had just done: the request whose answer is lost."""


class Cut:
    """Loses the answers to requests of this kind, after they were obeyed, until it is mended.

    Not the first one only: where a kept connection breaks, libcurl asks again by itself.
    """

    def __init__(self, method: str, part: str) -> None:
        self._method, self._part, self.done, self.mended = method, part, False, False
        self._reply = fake_forges._Handler._reply

    def __call__(self, handler: Any, status: int, headers: dict[str, str], document: Any) -> None:
        hit = status < 400 and handler.command == self._method and self._part in handler.path
        if hit and not self.mended:
            self.done = True
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._reply(handler, status, headers, document)


def cut(monkeypatch: pytest.MonkeyPatch, method: str, part: str) -> Cut:
    made = Cut(method, part)
    monkeypatch.setattr(fake_forges._Handler, "_reply", lambda *a: made(*a))
    return made


CASES = [("github", step) for step in STEPS] + [(kind, "a pull request was opened") for kind in KINDS[1:]]


@pytest.mark.parametrize(("kind", "step"), CASES)
def test_run_again_there_is_one_branch_and_one_pull_request(
    repo: Repo, material: Material, forge: Forge, kind: Choice, step: str, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    lost = cut(monkeypatch, *STEPS[step])
    with pytest.raises(NeuromosaicError, match="the same command tries again"):
        propose(repo, material, kind)
    assert lost.done
    lost.mended = True
    published = propose(repo, material, kind)
    bare = tmp_path / "served/acme/vision.git"
    assert len(forge.pulls) == 1
    assert published.url == f"http://{forge.address}/acme/vision/{ADDRESSES[str(kind)]}/1"
    assert repo.git("for-each-ref", "--format=%(refname:lstrip=2)", cwd=bare).split() == ["main", BRANCH]
    assert repo.git("rev-list", "--count", f"main..{BRANCH}", cwd=bare) == "1"
    assert forge.head(BRANCH) == published.commit
    assert repo.branches() == ["main", BRANCH]
    assert repo.leftovers() == []


ADDRESSES = {"github": "pull", "gitlab": "-/merge_requests", "gitea": "pulls"}


def test_an_update_whose_answer_was_lost_is_made_once(
    repo: Repo, material: Material, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(repo, material)
    written = forge.pulls[0]["body"]
    lost = cut(monkeypatch, "PATCH", "/api/")
    with pytest.raises(NeuromosaicError, match="the same command tries again"):
        propose(repo, material)
    assert lost.done
    lost.mended = True
    propose(repo, material)
    assert [pull["body"] for pull in forge.pulls] == [written]
