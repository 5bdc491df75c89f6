"""A run that extended the user's own network: the pull request is a small change of their file."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.agents.model_architect import read_given
from neuromosaic.core.errors import RepositoryError, UsageError
from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.extended import Extended, path_in_repository
from neuromosaic.delivery.folder import deliver
from neuromosaic.delivery.material import Material, read_material
from neuromosaic.delivery.pull_requests.branches import open_repository
from neuromosaic.delivery.pull_requests.in_place import extended, names_for, renamed
from neuromosaic.delivery.pull_requests.proposing import Wanted, described, plan, prepare
from neuromosaic.interfaces.extending import extension
from tests.delivery.pull_requests.conftest import SRC, Repo, proposed

BRANCH = "neuromosaic/digits-1121-0312-ab12"
FILE = "src/acme/nets.py"
NET = '''"""Our networks."""

import torch
from torch import nn  # layers


class   Net( nn.Module ):   # laid out by hand
    """One hidden layer."""

    def __init__(self, hidden: int = 8) -> None:
        super().__init__()
        self.one = nn.Linear(64, hidden)   # pixels
        self.two = nn.Linear(hidden, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return  self.two( torch.relu(self.one(x.flatten(1))) )


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


if __name__ == "__main__":
    print(count(Net()))
'''
ADDED = '''

class Model(nn.Module):
    """Net, and a correction that begins at nothing."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.given = Net()
        self.more = nn.Linear(10, 10)
        nn.init.zeros_(self.more.weight)
        nn.init.zeros_(self.more.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.given(x)
        return before + self.more(functional.gelu(before))
'''


def built_on(source: str, entry: str = "Net") -> tuple[Extended, str]:
    """The user's file, and the model.py that a run has made of it."""
    given, called = read_given(source, entry, "nets.py")
    own = given.replace("import torch\n", "import torch\nfrom torch.nn import functional\n", 1)
    model = own.rstrip("\n") + "\n" + ADDED.replace("Net", called)
    return Extended(path=FILE, source=source, entry=entry, given=called), model


def made(delivery: Delivery, folder: Path, source: str = NET, entry: str = "Net") -> Material:
    file, model = built_on(source, entry)
    return read_material(deliver(folder, replace(delivery, model_source=model, extends=file))[0].parent)


@pytest.fixture
def ours(digits: Delivery, tmp_path: Path) -> Material:
    return made(digits, tmp_path / "net")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "acme", SRC | {FILE: NET})


def changed_lines(repo: Repo) -> tuple[list[str], list[str]]:
    """Of the user's file on the branch: what came, what went."""
    lines = repo.git("diff", "main", BRANCH, "--", FILE).splitlines()[4:]
    return [line[1:] for line in lines if line[:1] == "+"], [line[1:] for line in lines if line[:1] == "-"]


def test_the_change_is_small_and_takes_nothing_away(repo: Repo, ours: Material) -> None:
    prepared = proposed(repo, ours)
    came, went = changed_lines(repo)
    assert went == []
    assert "from torch.nn import functional" in came
    assert "class ExtendedNet(nn.Module):" in came
    assert not [line for line in came if "class Model" in line or "class   Net" in line]
    names = repo.git("diff", "--name-only", "main", BRANCH).splitlines()
    assert [name for name in names if name.endswith(".py")] == [FILE, "tests/test_extended_net_model.py"]
    test = repo.git("show", f"{BRANCH}:tests/test_extended_net_model.py")
    assert "from acme.nets import ExtendedNet as Model" in test
    assert repo.git("log", "-1", "--format=%s", BRANCH).startswith("Extend Net in src/acme/nets.py")
    assert "`from acme.nets import ExtendedNet` is the network. `Net` stays" in prepared.body
    assert "from acme.nets import ExtendedNet as Model" in repo.git("show", f"{BRANCH}:src/acme/extended_net/card.md")


def test_run_again_it_changes_nothing(repo: Repo, ours: Material) -> None:
    first, again = proposed(repo, ours), proposed(repo, ours)
    assert (first.changed, again.changed) == (True, False)


def test_what_stands_in_the_file_is_the_certified_network(repo: Repo, ours: Material) -> None:
    """In the sandbox, with the delivered tests and beside the delivered model; and the repository's own tests run."""
    sandbox = ProcessSandbox(workers=1)
    try:

        def run(suite: str, source: str) -> object:
            return sandbox.test(suite, Program(source, {}, 0))

        prepared = prepare(ours, open_repository(repo.path), Wanted(), run)  # type: ignore[arg-type]
        repo.commit({FILE: NET.replace("torch.relu(", "torch.tanh(")}, "Use another activation")
        with pytest.raises(RepositoryError, match="is not the network that was certified"):
            prepare(ours, open_repository(repo.path), Wanted(check="none", branch="another"), run)  # type: ignore[arg-type]
    finally:
        sandbox.close()
    assert set(prepared.told.checked.suite.values()) == {"passed"}
    assert "passed" in prepared.told.checked.repository


def test_a_file_that_changed_elsewhere_is_merged_and_that_is_told(repo: Repo, ours: Material) -> None:
    repo.commit({FILE: NET.replace("return sum(p.numel()", "return +sum(p.numel()")}, "Be positive")
    prepared = proposed(repo, ours)
    assert changed_lines(repo)[1] == []
    assert "return +sum(" in repo.git("show", f"{BRANCH}:{FILE}")
    assert "had changed since the run; both changes were merged" in prepared.body


def test_a_file_that_changed_in_the_same_lines_is_told(repo: Repo, ours: Material) -> None:
    other = NET.replace(
        'if __name__ == "__main__":', 'class Other(nn.Module):\n    """Ours."""\n\n\nif __name__ == "__main__":'
    )
    repo.commit({FILE: other}, "Add another")
    with pytest.raises(
        RepositoryError, match=r"nets\.py has changed since the run has read it, in the same lines.*--into"
    ):
        proposed(repo, ours)
    assert repo.branches() == ["main"]
    proposed(repo, ours, Wanted(check="none", into="src/acme/models"))
    assert "class Model" in repo.git("show", f"{BRANCH}:src/acme/models/digits/model.py")


def test_another_repository_gets_a_file_of_its_own(repo: Repo, ours: Material) -> None:
    repo.git("rm", "--quiet", FILE)
    repo.git("commit", "--quiet", "-m", "Remove it")
    assert "The run extended src/acme/nets.py; this is a file of its own." in proposed(repo, ours).body


def test_ends_of_lines_stay_as_they_are(tmp_path: Path, repo: Repo, ours: Material) -> None:
    (repo.path / FILE).write_bytes(NET.replace("\n", "\r\n").encode())
    repo.git("commit", "--quiet", "-am", "Windows")
    proposed(repo, ours)
    data = repo.git("cat-file", "-p", f"{BRANCH}:{FILE}")
    assert changed_lines(repo)[1] == []
    assert "class ExtendedNet" in data
    (repo.path / FILE).write_bytes(NET.replace("\n", "\r\n", 3).encode())
    repo.git("commit", "--quiet", "-am", "Both")
    with pytest.raises(RepositoryError, match="ends its lines in two ways"):
        proposed(repo, ours)


@pytest.mark.parametrize("tidy", [False, True])
def test_a_formatter_is_used_only_where_it_moves_nothing_else(tmp_path: Path, digits: Delivery, tidy: bool) -> None:
    source = NET.replace("class   Net( nn.Module ):   #", "class Net(nn.Module):  #").replace(
        "(64, hidden)   #", "(64, hidden)  #"
    )
    source = source.replace(
        "return  self.two( torch.relu(self.one(x.flatten(1))) )",
        "return self.two(torch.relu(self.one(x.flatten(1))))",
    )
    source = source if tidy else NET
    material = made(digits, tmp_path / "net", source)
    wild = material.text("model.py").replace("before + self.more", "before   +   self.more")
    repo = Repo(tmp_path / "repo", SRC | {FILE: source, "pyproject.toml": "[tool.ruff]\nline-length = 120\n"})
    prepared = proposed(repo, Material(material.results, {**material.files, "model.py": wild.encode()}))
    assert changed_lines(repo)[1] == []
    assert ("before   +   self.more" in repo.git("show", f"{BRANCH}:{FILE}")) is not tidy
    assert ("nets.py was not formatted" in prepared.body) is not tidy


def test_a_class_that_is_called_model_keeps_its_name(tmp_path: Path, digits: Delivery) -> None:
    source = NET.replace("Net(", "Model(").replace("One hidden", "A Model of one hidden")
    repo = Repo(tmp_path / "repo", SRC | {FILE: source})
    proposed(repo, made(digits, tmp_path / "net", source, "Model"))
    came, went = changed_lines(repo)
    assert went == []
    assert "class ExtendedModel(nn.Module):" in came
    assert "        self.given = Model()" in came


def test_changed_methods_alone_are_changed() -> None:
    _, model = built_on(NET)
    own = model.replace(
        "torch.relu(self.one(x.flatten(1)))", "torch.relu(self.deeper(self.one(x.flatten(1))))"
    ).replace(
        "    def forward",
        "    def deeper(self, x: torch.Tensor) -> torch.Tensor:\n        return x\n\n    def forward",
        1,
    )
    text = extended(NET, own, names_for("Net", "Net", NET))
    missing = [line for line in NET.splitlines() if line not in text.splitlines()]
    assert missing == ["        return  self.two( torch.relu(self.one(x.flatten(1))) )"]
    assert "class   Net( nn.Module ):   # laid out by hand" in text
    assert text.index("def deeper") < text.index("def forward") < text.index("def count")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["", "# a comment", "X = 1", "def f():\n    return 2", "import math"]), max_size=6),
    st.data(),
)
def test_whatever_else_stands_in_the_file_is_still_there_in_order(extra: list[str], data: st.DataObject) -> None:
    blocks = NET.split("\n\n\n")
    for text in extra:
        blocks.insert(data.draw(st.integers(1, len(blocks))), text)
    source = "\n\n\n".join(blocks)
    _, model = built_on(source)
    text = extended(source, model, names_for("Net", "Net", source))
    rest = iter(text.split("\n"))
    assert all(line in rest for line in source.split("\n"))
    assert text.count("class ExtendedNet(") == 1
    compile(text, FILE, "exec")


def test_an_import_that_is_spelt_otherwise_is_not_repeated() -> None:
    source = NET.replace("from torch import nn  # layers", "import torch.nn as nn")
    _, model = built_on(source)
    text = extended(source, "from torch import nn\n" + model, names_for("Net", "Net", source))
    assert "from torch import nn\n" not in text
    assert text.count("from torch.nn import functional\n") == 1


def test_what_a_run_extends_is_kept_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "acme/.git").mkdir(parents=True)
    (tmp_path / "acme/nets.py").write_text(NET)
    found = extension(f"{tmp_path}/acme/nets.py:Net", None, Store(tmp_path / "store")).file
    assert found == Extended(path="nets.py", source=NET, entry="Net", given="Net")
    assert path_in_repository(Path("/nowhere/at/all.py")) == "all.py"


def test_names_that_are_taken_are_not_taken_again() -> None:
    assert names_for("Net", "Net", NET + "ExtendedNet = 1\n").added == "ExtendedNet2"
    assert renamed("a.Model = Model  # Model 'Model'", {"Model": "M"}) == "a.Model = M  # Model 'Model'"


def test_what_cannot_be_is_told(repo: Repo, ours: Material, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="adds nothing"):
        extended(NET, NET, names_for("Net", "Net", NET))
    with pytest.raises(RepositoryError, match="not Python any more"):
        extended("def (", NET, names_for("Net", "Net", NET))
    best = ours.candidate.model_copy(update={"designed_by": "you"})
    as_given = Material(ours.results.model_copy(update={"winner": best}), ours.files)
    with pytest.raises(UsageError, match="nothing better than Net as it is"):
        proposed(repo, as_given)
    repo.commit({FILE: NET + "\n\nclass Model(Net):\n    pass\n"}, "Have a Model")
    with pytest.raises(UsageError, match="has a class Model beside Net"):
        proposed(repo, ours)


def test_a_dry_run_names_the_file(repo: Repo, ours: Material) -> None:
    said = described(plan(ours, open_repository(repo.path), Wanted()))
    assert FILE in said["files"]
    assert said["import"] == "from acme.nets import ExtendedNet"
    assert path_in_repository(repo.path / FILE) == FILE
