"""`neuromosaic pr` and `design --pr`: from a run to a branch of the user's repository."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuromosaic.core.brief_file import parse_brief
from neuromosaic.core.errors import WaitingForApproval
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces import cli
from neuromosaic.interfaces.design import _pull_request
from neuromosaic.workflows import pull_request as node
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options
from tests.delivery.pull_requests.conftest import SRC, Repo
from tests.small_runs import Finished, at_work, iris


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    config = tmp_path / "config"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return Repo(tmp_path / "acme", SRC)


@pytest.fixture
def mine(finished: Finished, tmp_path: Path) -> Finished:
    """A copy of the shared run, whose history may be added to."""
    shutil.copytree(finished.root, tmp_path / "finished")
    return Finished.read(tmp_path / "finished")


def call(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def test_a_runs_network_becomes_a_branch_with_a_patch(
    mine: Finished, repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both ways in: the run's id, whose folder is found, and the folder itself."""
    run, root = mine.results.run, mine.root
    assert call("pr", run, "--repo", repo.path, "--store", root / "store", "--check", "none", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["branch"] == f"neuromosaic/iris-{run}"
    assert said["commit"] == repo.git("rev-parse", said["branch"])
    assert (said["url"], said["pushed"], said["changed"]) == (None, False, True)
    assert f"Neuromosaic-Run: {run}" in Path(said["patch"]).read_text()
    assert [event.kind for event in mine.store.events(run)][-1] == "pull_request"
    assert call("pr", root / "out", "--repo", repo.path, "--store", tmp_path / "store", "--check", "none") == 0
    told = capsys.readouterr()
    assert "up to date" in told.out
    assert "There is no remote" in told.err


def test_a_dry_run_says_what_would_be_and_touches_nothing(
    mine: Finished, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["pr", mine.root / "out", "--repo", repo.path, "--dry-run"]
    assert call(*arguments) == 0
    assert "src/acme/models/iris/model.py" in capsys.readouterr().out
    assert call(*arguments, "--json", "--name", "flowers") == 0
    assert json.loads(capsys.readouterr().out)["import"] == "from acme.models.flowers.model import Model"
    assert repo.branches() == ["main"]


def test_an_address_is_cloned_to_say_what_would_be(
    mine: Finished, repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address, store = f"file://{repo.bare(tmp_path / 'origin.git')}", mine.root / "store"
    assert call("pr", mine.root / "out", "--repo", address, "--store", store, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["import"] == "from acme.models.iris.model import Model"
    assert list((store / "clones").glob("*.git")) == []


def test_another_certified_candidate_is_delivered_again(
    mine: Finished, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    best = mine.results.winner or mine.results.nearest
    assert best is not None
    other = next((one for one in mine.results.pareto if one.id != best.id), best)
    arguments = ["--repo", repo.path, "--store", mine.root / "store", "--check", "none", "--json"]
    assert call("pr", mine.results.run, "--candidate", other.id[:12], *arguments) == 0
    branch = json.loads(capsys.readouterr().out)["branch"]
    assert f"Neuromosaic-Candidate: {other.id}" in repo.git("log", "-1", "--format=%B", branch)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{out}", "--repo", "{store}"], "no git repository"),
        (["{out}", "--candidate", "x"], "--candidate goes with a run"),
        (["{run}", "--candidate", "nobody"], "nobody is no certified candidate"),
        (["nothing-like-it"], "is no run of"),
        (["{repo}"], "is no delivered folder: model.py is missing"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    mine: Finished, repo: Repo, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {
        "out": mine.root / "out",
        "store": mine.root / "store",
        "run": mine.results.run,
        "repo": repo.path,
    }
    filled = [argument.format(**known) for argument in arguments]
    assert call("pr", *filled, "--store", mine.root / "store") in {1, 2}
    assert said in capsys.readouterr().err


def test_a_changed_folder_is_not_passed_off_as_measured(
    mine: Finished, repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(mine.root / "out", tmp_path / "changed")
    with (tmp_path / "changed/model.py").open("a") as file:
        file.write("# mine\n")
    assert call("pr", tmp_path / "changed", "--repo", repo.path) == 2
    assert "changed since they were delivered" in capsys.readouterr().err


@pytest.mark.soak
def test_a_design_ends_in_a_pull_request_once_a_person_has_approved_it(tmp_path: Path, repo: Repo) -> None:
    """The repository's tests run for real here, and so does the suite, behind the boundary."""
    store = Store(tmp_path / "store")
    options = Options(folder=str(tmp_path / "out"), repository=str(repo.path))
    run = runs.create(store, iris(), options)
    with at_work(store, run) as bench, pytest.raises(WaitingForApproval, match="its pull request"):
        runs.carry_on(bench)
    assert repo.branches() == ["main"]
    asked = runs.question(store, run)
    assert asked is not None
    assert asked["pull_request"]["branch"] == f"neuromosaic/iris-{run}"
    with at_work(store, run) as bench:
        runs.carry_on(bench, {"approve": True})
    assert repo.branches() == ["main", f"neuromosaic/iris-{run}"]
    assert store.step(run, "pull_request")["commit"] == repo.git("rev-parse", f"neuromosaic/iris-{run}")
    subprocess.run(["git", "-C", str(repo.path), "diff", "--quiet"], check=True)


def test_what_a_person_does_not_want_is_not_done(mine: Finished, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(node, "interrupt", lambda question: asked.append(question) or {"answer": "no"})
    bench = Workbench(mine.store, mine.results.run)
    bench.options = bench.options.model_copy(update={"repository": str(repo.path)})
    node.pull_request(bench, {})
    assert asked[0]["pull_request"]["branch"] == f"neuromosaic/iris-{mine.results.run}"
    assert mine.store.step(mine.results.run, node.STEP) == {"refused": "a person did not want it"}
    assert repo.branches() == ["main"]


def test_what_stands_in_the_way_of_the_pull_request_does_not_undo_the_design(
    mine: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = mine.store, mine.results.run
    bench = Workbench(store, run)
    bench.options = bench.options.model_copy(update={"repository": str(tmp_path), "approved": True})
    node.pull_request(bench, {})
    bench.close()
    assert "no git repository" in store.step(run, "pull_request")["refused"]
    assert _pull_request(store, run, as_json=False) == 1
    assert "tries again" in capsys.readouterr().err


DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["pull_requests.md", "github_actions.md", "exports.md"])
def test_every_option_in_the_docs_is_one(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / page).read_text()
    commands = re.findall(r"^(?:\s*run: )?neuromosaic (\w+) ([^#\n]*)", text, re.MULTILINE)
    assert commands
    for command, rest in commands:
        assert call(command, "--help") == 0
        known = capsys.readouterr().out
        assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in known] == []


def test_the_workflow_in_the_docs_is_sound() -> None:
    workflow, brief = re.findall(r"```yaml\n(.*?)```", (DOCS / "github_actions.md").read_text(), re.DOTALL)
    job = yaml.safe_load(workflow)["jobs"]["design"]
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert [step for step in steps if "${{" in step] == [], "an input inside a script can run anything"
    assert parse_brief(yaml.safe_load(brief), "docs").constraints.parameters == 20_000
