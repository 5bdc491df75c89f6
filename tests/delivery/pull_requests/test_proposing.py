"""A branch is made ready beside the user's tree, once, and brought up to date after that."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from neuromosaic.core.errors import RepositoryError, UsageError
from neuromosaic.core.protocols import SuiteOutcome
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests import commits
from neuromosaic.delivery.pull_requests.branches import open_repository
from neuromosaic.delivery.pull_requests.proposing import Wanted, described, patch, plan, prepare
from tests.delivery.pull_requests.conftest import SRC, Repo, green, proposed

BRANCH = "neuromosaic/digits-1121-0312-ab12"
MODEL = "src/acme/models/digits/model.py"
TEST = "tests/test_digits_model.py"
QUICK = Wanted(check="none")


def test_the_branch_holds_model_tests_card_and_weights(repo: Repo, material: Material) -> None:
    prepared = proposed(repo, material)
    added = repo.git("diff", "--name-status", "main", BRANCH).splitlines()
    names = ["__init__.py", "card.md", "model.py", "preprocessing.json", "results.json", "weights.safetensors"]
    assert {f"A\tsrc/acme/models/digits/{name}" for name in names} | {f"A\t{TEST}"} <= set(added)
    assert prepared.commit == repo.git("rev-parse", BRANCH)
    assert "from acme.models.digits.model import Model" in repo.git("show", f"{BRANCH}:{TEST}")


def test_what_the_user_has_open_is_not_touched(repo: Repo, material: Material) -> None:
    repo.write({"src/acme/__init__.py": "half = 'written'\n", "staged.py": "x = 1\n", "new.py": "y = 2\n"})
    repo.git("add", "staged.py")
    before = repo.state()
    proposed(repo, material)
    assert repo.state() == before
    assert "half" not in repo.git("show", f"{BRANCH}:src/acme/__init__.py")
    assert repo.leftovers() == []


def test_the_commit_is_the_users_and_says_what_it_is(repo: Repo, material: Material) -> None:
    proposed(repo, material)
    author, subject, run = repo.git(
        "log", "-1", "--format=%an <%ae>%n%s%n%(trailers:key=Neuromosaic-Run)", BRANCH
    ).splitlines()
    assert author == "Ada <ada@example.org>"
    assert subject.startswith("Add digits network (accuracy 0.9")
    assert run == "Neuromosaic-Run: 1121-0312-ab12"


def test_run_again_it_changes_nothing(repo: Repo, material: Material) -> None:
    first, again = proposed(repo, material), proposed(repo, material)
    assert (first.changed, again.changed) == (True, False)
    assert first.commit == again.commit
    assert repo.branches() == ["main", BRANCH]


def test_a_branch_whose_base_moved_is_rebased(repo: Repo, material: Material) -> None:
    proposed(repo, material)
    repo.commit({"README.md": "hello\n"}, "Say hello")
    prepared = proposed(repo, material)
    assert prepared.changed
    assert repo.git("rev-parse", f"{BRANCH}~1") == repo.git("rev-parse", "main")


def test_a_base_that_does_not_fit_any_more_leaves_the_branch_as_it_was(repo: Repo, material: Material) -> None:
    proposed(repo, material)
    repo.git("switch", "--quiet", "--detach", BRANCH)
    repo.commit({"src/acme/__init__.py": "ours = 1\n"}, "Change it here")
    repo.git("branch", "--quiet", "--force", BRANCH)
    before = repo.git("rev-parse", BRANCH)
    repo.git("switch", "--quiet", "main")
    repo.commit({"src/acme/__init__.py": "theirs = 1\n"}, "Change it there")
    with pytest.raises(RepositoryError, match=r"onto main: both changed src/acme/__init__\.py.*rebase it by hand"):
        proposed(repo, material)
    assert repo.git("rev-parse", BRANCH) == before
    assert repo.leftovers() == []


def test_what_people_changed_on_the_branch_stays(repo: Repo, material: Material) -> None:
    proposed(repo, material)
    repo.git("switch", "--quiet", BRANCH)
    repo.commit({"src/acme/models/digits/card.md": "Reviewed.\n"}, "Say less")
    repo.git("switch", "--quiet", "main")
    prepared = proposed(repo, material)
    assert repo.git("show", f"{BRANCH}:src/acme/models/digits/card.md") == "Reviewed."
    assert "card.md" in prepared.body.partition("Left as people changed them")[2]


def test_another_delivery_of_the_run_is_a_second_commit_on_the_same_branch(repo: Repo, material: Material) -> None:
    proposed(repo, material)
    later = Material(material.results, {**material.files, "card.md": b"# Better words\n"})
    assert proposed(repo, later).changed
    assert repo.git("rev-list", "--count", f"main..{BRANCH}") == "2"
    assert repo.git("log", "-1", "--format=%s", BRANCH).startswith("Update digits network")


def test_the_patch_can_be_applied_elsewhere(repo: Repo, material: Material, tmp_path: Path) -> None:
    prepared = proposed(repo, material)
    (tmp_path / "it.patch").write_bytes(patch(prepared))
    repo.git("am", "--quiet", str(tmp_path / "it.patch"))
    assert repo.git("rev-parse", "HEAD^{tree}") == repo.git("rev-parse", f"{BRANCH}^{{tree}}")


def test_a_dry_run_writes_nothing(repo: Repo, material: Material) -> None:
    said = described(plan(material, open_repository(repo.path), Wanted()))
    assert (said["branch"], said["base"], said["import"]) == (
        BRANCH,
        "main",
        "from acme.models.digits.model import Model",
    )
    assert repo.branches() == ["main"]


STEPS = ("worktree", "write", "check", "commit", "update-ref")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_and_run_again_there_is_one_branch_and_nothing_else(
    repo: Repo, folder: Path, material: Material, step: str
) -> None:
    """The process kills itself where it has done a step."""
    script = textwrap.dedent(f"""
        import os, signal, tempfile
        from pathlib import Path
        from neuromosaic.delivery.pull_requests import proposing, workshop, commits, branches
        from neuromosaic.delivery.material import read_material
        from tests.delivery.pull_requests.conftest import green

        tempfile.tempdir = {os.environ["HOME"]!r}
        where = {{
            "worktree": (proposing, "_work"), "write": (proposing, "_check"), "check": (proposing, "_commit"),
            "commit": (proposing.branches, "set_branch"), "update-ref": (proposing, "Told"),
        }}
        module, name = where[{step!r}]
        setattr(module, name, lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))
        proposing.prepare(read_material(Path({str(folder)!r})), branches.open_repository(Path({str(repo.path)!r})),
                          proposing.Wanted(check="none"), green)
    """)
    died = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(repo.leftovers()) == 1
    proposed(repo, material)
    assert repo.branches() == ["main", BRANCH]
    assert repo.git("rev-list", "--count", f"main..{BRANCH}") == "1"
    assert repo.leftovers() == []
    assert repo.git("status", "--porcelain") == ""


# ---------------------------------------------------------------- what stands in the way


def test_a_failing_hook_is_told_and_leaves_nothing(repo: Repo, material: Material) -> None:
    hook = repo.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'no networks on Saturdays' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RepositoryError, match=r"by a hook.*no networks on Saturdays"):
        proposed(repo, material)
    assert (repo.branches(), repo.leftovers()) == (["main"], [])


def test_a_hook_that_mends_files_is_obeyed(repo: Repo, material: Material) -> None:
    hook = repo.path / ".git/hooks/pre-commit"
    card = "src/acme/models/digits/card.md"
    hook.write_text(f"#!/bin/sh\ngrep -q mended {card} && exit 0\necho mended >> {card}\nexit 1\n")
    hook.chmod(0o755)
    proposed(repo, material)
    assert repo.git("show", f"{BRANCH}:{card}").endswith("mended")


def test_signing_is_the_users_affair_and_a_failing_one_is_told(repo: Repo, material: Material) -> None:
    repo.git("config", "commit.gpgsign", "true")
    repo.git("config", "gpg.program", "false")
    with pytest.raises(RepositoryError, match="could not be signed"):
        proposed(repo, material)
    assert repo.branches() == ["main"]


def test_nobody_commits_without_a_name(repo: Repo, material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    repo.git("config", "user.useConfigOnly", "true")
    with pytest.raises(RepositoryError, match=r"user\.name"):
        proposed(repo, material)


def test_failing_tests_of_the_repository_stop_it(repo: Repo, material: Material) -> None:
    with pytest.raises(RepositoryError, match=r"tests fail with the new files in place.*--check"):
        proposed(repo, material, Wanted(check="false"))
    assert (repo.branches(), repo.leftovers()) == (["main"], [])


def test_a_delivered_test_that_fails_stops_it(repo: Repo, material: Material) -> None:
    def red(suite: str, source: str) -> SuiteOutcome:
        return SuiteOutcome({"test_x": "failed"}, {"test_x": "AssertionError: no"})

    with pytest.raises(RepositoryError, match="test_x: AssertionError: no"):
        prepare(material, open_repository(repo.path), QUICK, red)
    assert repo.branches() == ["main"]


def test_the_branch_that_is_checked_out_is_not_moved(repo: Repo, material: Material, tmp_path: Path) -> None:
    proposed(repo, material)
    repo.git("worktree", "add", "--quiet", str(tmp_path / "other"), BRANCH)
    with pytest.raises(RepositoryError, match=r"checked out in .*other.*--branch"):
        proposed(repo, material)


def test_a_detached_head_needs_a_base_only_where_nothing_tells_it(repo: Repo, material: Material) -> None:
    repo.git("switch", "--quiet", "--detach")
    proposed(repo, material)
    repo.git("branch", "--quiet", "--move", "main", "trunk")
    with pytest.raises(UsageError, match="--base"):
        proposed(repo, material)


def test_an_unknown_base_is_named_with_what_there_is(repo: Repo, material: Material) -> None:
    with pytest.raises(UsageError, match=r"no such branch \(did you mean 'main'\?\)"):
        proposed(repo, material, Wanted(base="mian"))


def test_a_folder_that_is_taken_is_not_written_into(repo: Repo, material: Material) -> None:
    repo.commit({MODEL: "# ours\n"}, "Have digits")
    with pytest.raises(UsageError, match=r"src/acme/models/digits is there already.*--name"):
        proposed(repo, material)
    proposed(repo, material, Wanted(check="none", name="digits_small"))
    assert repo.git("show", "neuromosaic/digits_small-1121-0312-ab12:src/acme/models/digits_small/card.md")


def test_a_name_of_a_test_that_is_taken_is_told(repo: Repo, material: Material) -> None:
    repo.commit({TEST: "# ours\n"}, "Have a test")
    with pytest.raises(UsageError, match=f"{TEST} is there already"):
        proposed(repo, material)


def test_a_submodule_is_another_repository(repo: Repo, material: Material, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other", {"a.py": ""})
    repo.git("submodule", "--quiet", "add", str(other.path), "vendored")
    repo.git("commit", "--quiet", "-m", "Add a submodule")
    with pytest.raises(UsageError, match="vendored is a file or a submodule"):
        proposed(repo, material, Wanted(check="none", into="vendored/models"))
    with pytest.raises(RepositoryError, match="submodules are not checked out there: vendored"):
        proposed(repo, material, Wanted(check="false"))


def test_a_repository_with_a_submodule_works(repo: Repo, material: Material, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other", {"a.py": ""})
    repo.git("submodule", "--quiet", "add", str(other.path), "vendored")
    repo.git("commit", "--quiet", "-m", "Add a submodule")
    proposed(repo, material)
    assert repo.leftovers() == []


def test_an_ignored_place_is_told(repo: Repo, material: Material) -> None:
    repo.commit({".gitignore": "models/\n"}, "Ignore models")
    with pytest.raises(UsageError, match=r"ignored by \.gitignore"):
        proposed(repo, material)


def test_ignored_weights_stay_out(repo: Repo, material: Material) -> None:
    repo.commit({".gitignore": "*.safetensors\n"}, "Ignore weights")
    proposed(repo, material)
    assert "safetensors" not in repo.git("ls-tree", "-r", "--name-only", BRANCH)


@pytest.mark.parametrize(("into", "said"), [("../out", "inside the repository"), ("/etc", "inside the repository"),
                                            ("pyproject.toml", "is a file")])  # fmt: skip
def test_a_folder_outside_is_refused(repo: Repo, material: Material, into: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        proposed(repo, material, Wanted(into=into))


def test_a_link_out_of_the_tree_is_not_followed(repo: Repo, material: Material, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo.path / "linked").symlink_to(tmp_path / "outside")
    repo.git("add", "linked")
    repo.git("commit", "--quiet", "-m", "Link out")
    with pytest.raises(UsageError):
        proposed(repo, material, Wanted(check="none", into="linked"))
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "wanted", [Wanted(name="Not a name"), Wanted(branch="a..b"), Wanted(branch="main"), Wanted(update=True)]
)
def test_options_that_cannot_be_are_told(repo: Repo, material: Material, wanted: Wanted) -> None:
    with pytest.raises(UsageError, match="--"):
        proposed(repo, material, wanted)


def test_a_folder_without_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="no git repository"):
        open_repository(tmp_path)
    with pytest.raises(RepositoryError, match="there is no folder"):
        open_repository(tmp_path / "nowhere")


def test_an_empty_repository_is_told(tmp_path: Path, repo: Repo) -> None:
    repo.git("init", "--quiet", str(tmp_path / "empty"))
    with pytest.raises(RepositoryError, match="no commit yet"):
        open_repository(tmp_path / "empty")


def test_a_read_only_repository_is_told(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(RepositoryError, match="read-only"):
        open_repository(repo.path)


def test_started_by_a_hook_it_still_works_on_the_right_repository(
    repo: Repo, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.path / ".git/index"))
    prepared = proposed(repo, material)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert repo.git("rev-parse", BRANCH) == prepared.commit


def test_a_bare_repository_will_do(shared: Repo, material: Material, tmp_path: Path) -> None:
    prepared = prepare(material, open_repository(tmp_path / "origin.git"), QUICK, green)
    assert shared.git("rev-parse", BRANCH, cwd=tmp_path / "origin.git") == prepared.commit


def test_manners_are_kept(tmp_path: Path, material: Material) -> None:
    repo = Repo(tmp_path / "tidy", SRC, message="feat: start\n\nSigned-off-by: Ada <ada@example.org>")
    proposed(repo, material)
    said = repo.git("log", "-1", "--format=%B", BRANCH)
    assert said.startswith("feat: add digits network (")
    assert "Signed-off-by: Ada" in said


def test_a_subject_fits_on_its_line(material: Material) -> None:
    from neuromosaic.delivery.pull_requests.habits import Manners

    line = commits.subject(
        material, "add a_network_with_a_very_long_name_indeed network", Manners(True, True, False, None)
    )
    assert line == "feat: add a_network_with_a_very_long_name_indeed network"
