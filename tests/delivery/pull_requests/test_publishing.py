"""A ready branch is pushed and proposed once: over real git and HTTP, on 127.0.0.1."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuromosaic.core.errors import ForgeError, NeuromosaicError, RepositoryError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.forges import api
from neuromosaic.delivery.pull_requests.forges.address import Address
from neuromosaic.delivery.pull_requests.forges.github import GitHub
from neuromosaic.delivery.pull_requests.forges.tokens import Token
from neuromosaic.delivery.pull_requests.proposing import Wanted, prepare
from neuromosaic.delivery.pull_requests.publishing import Choice, Published, connected, publish
from tests.delivery.pull_requests.conftest import Repo, green
from tests.delivery.pull_requests.fake_forges import TOKEN, Forge, serving

BRANCH = "neuromosaic/digits-1121-0312-ab12"
QUICK = Wanted(check="none")
STORE = Path("not-needed-for-folders")
KINDS: tuple[Choice, ...] = ("github", "gitlab", "gitea")
HOSTS = {"github": "GH_HOST", "gitlab": "GITLAB_HOST", "gitea": "GITEA_SERVER_URL"}
TOKENS = {"github": "GH_ENTERPRISE_TOKEN", "gitlab": "GITLAB_TOKEN", "gitea": "GITEA_TOKEN"}


@pytest.fixture
def forge(tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """The repository's remote is on a forge, and the environment has a token for that."""
    with serving(tmp_path / "served") as served:
        for kind in KINDS:
            monkeypatch.setenv(HOSTS[str(kind)], served.address)
            monkeypatch.setenv(TOKENS[str(kind)], TOKEN)
        repo.git("remote", "add", "origin", served.remote())
        bare = tmp_path / "served/acme/vision.git"
        repo.git("push", "--quiet", str(bare), "main")
        yield served


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(api.Api.__new__, "__defaults__", (waited.append,))
    return waited


def propose(repo: Repo, material: Material, choice: Choice | None = "github", wanted: Wanted = QUICK) -> Published:
    with connected(str(repo.path), STORE, choice) as connection:
        return publish(prepare(material, connection.repository, wanted, green), wanted, connection)


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_is_opened_once_and_updated_after_that(
    repo: Repo, material: Material, forge: Forge, kind: Choice
) -> None:
    first, again = propose(repo, material, kind), propose(repo, material, kind)
    assert first.pushed
    assert first.url == again.url
    assert len(forge.pulls) == 1
    pull = forge.pulls[0]
    assert pull["draft"] or pull["title"].startswith(("Draft: ", "WIP: "))
    assert (pull["head"], pull["base"]) == (BRANCH, "main")
    assert forge.head(BRANCH) == first.commit
    assert forge.description.errors == []


@pytest.mark.parametrize("kind", KINDS)
def test_ready_means_no_draft(repo: Repo, material: Material, forge: Forge, kind: Choice) -> None:
    propose(repo, material, kind, QUICK._replace(ready=True))
    assert not forge.pulls[0]["draft"]
    assert forge.pulls[0]["title"].startswith("Add digits network")


def test_the_text_tells_a_reviewer_what_they_ask(repo: Repo, material: Material, forge: Forge) -> None:
    propose(repo, material)
    body = forge.pulls[0]["body"]
    parts = ["meets the brief", "Asked for", "20,000", "random search", "95% intervals", "design brief.yaml"]
    parts += ["src/acme/models/digits/model.py", "<!-- neuromosaic-run: 1121-0312-ab12 -->"]
    parts += ["What was tried, and dropped", f"/acme/vision/raw/{BRANCH}/src/acme/models/digits/pareto.svg)"]
    assert [part for part in parts if part not in body] == []


def test_what_people_add_below_our_text_stays(repo: Repo, material: Material, forge: Forge) -> None:
    propose(repo, material)
    forge.pulls[0]["body"] += "\nReviewed by Grace.\n"
    propose(repo, material)
    assert forge.pulls[0]["body"].endswith("<!-- neuromosaic-run: 1121-0312-ab12 -->\n\nReviewed by Grace.\n")


def test_the_token_is_in_no_file_no_message_and_no_address(
    repo: Repo, material: Material, forge: Forge, capfd: pytest.CaptureFixture[str]
) -> None:
    published = propose(repo, material)
    forge.token = "another"
    with pytest.raises(NeuromosaicError) as caught:
        propose(repo, Material(material.results, {**material.files, "card.md": b"# New\n"}))
    said = str(caught.value) + repr(caught.value.__cause__) + str(published) + "".join(capfd.readouterr())
    assert TOKEN not in said
    assert not [path for path in repo.path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert not [path for _, path, _ in forge.seen if TOKEN in path]


def test_hooks_do_not_see_the_token(
    repo: Repo, material: Material, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = repo.path / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nenv > {repo.path}/../seen\n")
    hook.chmod(0o755)
    propose(repo, material)
    assert "NEUROMOSAIC_PASSWORD" not in (repo.path.parent / "seen").read_text()


def test_a_token_goes_to_no_other_host(
    repo: Repo, material: Material, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_HOST", "github.example.org")
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    with connected(str(repo.path), STORE, "github") as connection:
        assert connection.forge is None
        assert "GH_HOST" in connection.why or "GH_TOKEN" in connection.why
    assert forge.seen == []


def test_gits_own_credentials_will_do(
    repo: Repo, material: Material, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
    repo.git("config", "--global", "credential.helper", f"!f() {{ echo username=ada; echo password={TOKEN}; }}; f")
    assert propose(repo, material).url


def test_a_project_without_drafts_gets_a_ready_one(repo: Repo, material: Material, forge: Forge) -> None:
    forge.drafts = False
    published = propose(repo, material)
    assert forge.pulls[0]["draft"] is False
    assert "no drafts" in " ".join(published.notes)
    assert forge.description.errors == []


@pytest.mark.parametrize(
    ("kind", "state"), [("github", "closed"), ("github", "merged"), ("gitlab", "closed"), ("gitea", "merged")]
)
def test_one_that_was_closed_meanwhile_is_told_and_not_opened_again(
    repo: Repo, material: Material, forge: Forge, kind: Choice, state: str
) -> None:
    propose(repo, material, kind)
    forge.pulls[0]["state"] = state
    with pytest.raises(ForgeError, match=rf"was {state} meanwhile.*--branch"):
        propose(repo, material, kind)
    assert len(forge.pulls) == 1


def test_the_same_run_on_another_branch_is_told(repo: Repo, material: Material, forge: Forge) -> None:
    propose(repo, material)
    with pytest.raises(ForgeError, match=f"has a pull request already.*--branch {BRANCH}"):
        propose(repo, material, wanted=QUICK._replace(branch="another"))
    assert len(forge.pulls) == 1


# ---------------------------------------------------------------- what stands in the way

GONE = (401, {}, {"message": "Bad credentials"})
BUSY = (503, {}, {"message": "busy"})
FULL = (429, {"Retry-After": "3"}, {"message": "slow down"})
LATE = (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3000)}, {"message": "limit"})


@pytest.fixture
def github(tmp_path: Path) -> Iterator[tuple[GitHub, Forge]]:
    """The client alone, with no repository behind it."""
    with serving(tmp_path / "served") as served:
        address = Address("http", served.address, "acme/vision", by_http=True)
        yield GitHub(address, Token(TOKEN, "GH_TOKEN")), served


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (GONE, "does not accept the token from GH_TOKEN, it may have expired.*gh auth login"),
        (LATE, "takes no more requests for [0-9]+ seconds"),
        ((403, {}, {"message": "Resource not accessible"}), "allowed to write.*Resource not accessible"),
        ((404, {}, {"message": "Not Found"}), "no such project"),
        ((301, {"Location": "/elsewhere"}, {}), "has moved"),
        ((422, {}, {"message": "Validation Failed", "errors": [{"message": "No commits"}]}), "422.*No commits"),
        ((200, {}, b"<html>"), "something else than JSON"),
        ((500, {}, b"oops"), "answered 500"),
    ],
)
def test_a_refusal_is_told_in_a_sentence(
    github: tuple[GitHub, Forge], fault: tuple[int, dict[str, str], object], said: str
) -> None:
    client, served = github
    served.faults = [fault]
    with pytest.raises(ForgeError, match=said) as caught:
        client.of_branch("b")
    assert TOKEN not in str(caught.value)
    assert client.of_branch("b") == []


@pytest.mark.parametrize(("fault", "waits"), [(BUSY, [1.0, 2.0]), (FULL, [3.0, 3.0])])
def test_a_busy_server_is_waited_for(
    github: tuple[GitHub, Forge],
    no_waiting: list[float],
    fault: tuple[int, dict[str, str], object],
    waits: list[float],
) -> None:
    client, served = github
    served.faults = [fault, fault]
    assert client.of_branch("b") == []
    assert no_waiting == waits


def test_a_server_that_stays_busy_is_given_up(github: tuple[GitHub, Forge]) -> None:
    client, served = github
    served.faults = [BUSY] * 9
    with pytest.raises(ForgeError, match="answered 503, 4 times at most"):
        client.of_branch("b")


def test_a_server_that_is_gone_is_told(tmp_path: Path) -> None:
    client = GitHub(Address("http", "127.0.0.1:9", "acme/vision", by_http=True), Token(TOKEN, "GH_TOKEN"))
    with pytest.raises(ForgeError, match=r"127\.0\.0\.1:9 was not reached"):
        client.of_branch("b")


def test_refused_the_branch_is_kept_and_the_next_try_works(repo: Repo, material: Material, forge: Forge) -> None:
    forge.faults = [GONE]
    with pytest.raises(ForgeError, match=rf"{BRANCH} is pushed, and the same command tries again"):
        propose(repo, material)
    assert forge.head(BRANCH) == repo.git("rev-parse", BRANCH)
    assert propose(repo, material).url
    assert len(forge.pulls) == 1


def test_a_server_that_is_gone_leaves_a_branch(repo: Repo, material: Material, forge: Forge) -> None:
    repo.git("remote", "set-url", "origin", "http://127.0.0.1:9/acme/vision.git")
    published = propose(repo, material, None)
    assert (published.pushed, published.url) == (False, None)
    assert repo.git("rev-parse", BRANCH) == published.commit


def test_a_password_that_is_not_accepted_is_told(repo: Repo, material: Material, forge: Forge) -> None:
    propose(repo, material)
    forge.token = "another"
    with pytest.raises(RepositoryError, match="did not let us in: the credentials were not accepted"):
        propose(repo, material)


def test_a_protected_branch_is_told(shared: Repo, material: Material, tmp_path: Path) -> None:
    hook = tmp_path / "origin.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RepositoryError, match=r"branch is protected: name another.*branch .* is ready here"):
        propose(shared, material, None)
    assert shared.branches() == ["main", BRANCH]
    hook.unlink()
    assert propose(shared, material, None).pushed


def test_a_push_that_others_overtook_overwrites_nothing(shared: Repo, material: Material, tmp_path: Path) -> None:
    propose(shared, material, None)
    other = tmp_path / "other"
    shared.git("clone", "--quiet", "--branch", BRANCH, str(tmp_path / "origin.git"), str(other))
    (other / "theirs.py").write_text("x = 1\n")
    shared.git("add", "theirs.py", cwd=other)
    shared.git("commit", "--quiet", "-m", "Work on it", cwd=other)
    shared.git("push", "--quiet", cwd=other)
    published = propose(shared, Material(material.results, {**material.files, "card.md": b"# New\n"}), None)
    assert "theirs.py" in shared.git("ls-tree", "--name-only", published.commit)
    assert shared.git("rev-parse", BRANCH, cwd=tmp_path / "origin.git") == published.commit


def test_branches_that_went_different_ways_are_told(shared: Repo, material: Material, tmp_path: Path) -> None:
    propose(shared, material, None)
    for place, name in ((shared.path, "ours.py"), (tmp_path / "other", "theirs.py")):
        if not place.exists():
            shared.git("clone", "--quiet", str(tmp_path / "origin.git"), str(place))
        shared.git("switch", "--quiet", BRANCH, cwd=place)
        (place / name).write_text("x = 1\n")
        shared.git("add", name, cwd=place)
        shared.git("commit", "--quiet", "-m", f"Add {name}", cwd=place)
    shared.git("push", "--quiet", cwd=tmp_path / "other")
    shared.git("switch", "--quiet", "main")
    with pytest.raises(RepositoryError, match="different ways here and at the remote"):
        propose(shared, material, None)


def test_a_rebase_that_was_not_pushed_yet_is_pushed_the_next_time(
    shared: Repo, material: Material, tmp_path: Path
) -> None:
    propose(shared, material, None)
    shared.commit({"README.md": "hello\n"}, "Say hello")
    shared.git("push", "--quiet", "origin", "main")
    with connected(str(shared.path), STORE) as connection:
        prepared = prepare(material, connection.repository, QUICK, green)  # and killed here
    assert shared.git("rev-parse", BRANCH, cwd=tmp_path / "origin.git") != prepared.commit
    published = propose(shared, material, None)
    assert published.commit == prepared.commit
    assert shared.git("rev-parse", BRANCH, cwd=tmp_path / "origin.git") == published.commit


def test_a_shallow_clone_will_do(shared: Repo, material: Material, tmp_path: Path) -> None:
    shared.commit({"a.py": ""}, "More")
    shared.git("push", "--quiet", "origin", "main")
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{tmp_path}/origin.git", str(shallow)], check=True
    )
    with connected(str(shallow), STORE) as connection:
        published = publish(prepare(material, connection.repository, QUICK, green), QUICK, connection)
    assert published.pushed
    assert shared.git("rev-list", "--count", f"main..{BRANCH}", cwd=tmp_path / "origin.git") == "1"


def test_a_remote_that_is_a_folder_gets_the_branch_alone(shared: Repo, material: Material) -> None:
    published = propose(shared, material, None)
    assert (published.pushed, published.url) == (True, None)
    assert "no forge's address" in " ".join(published.notes)


def test_without_a_remote_the_branch_stays(repo: Repo, material: Material) -> None:
    published = propose(repo, material, None)
    assert (published.pushed, published.url) == (False, None)
    assert "no remote" in " ".join(published.notes)


def test_an_unknown_server_is_asked_about(repo: Repo, material: Material, forge: Forge) -> None:
    with connected(str(repo.path), STORE) as connection:
        assert "say --forge github, gitlab or gitea" in connection.why
