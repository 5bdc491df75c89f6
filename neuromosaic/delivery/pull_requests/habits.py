"""What a repository's files and history say about how its people work."""

import configparser
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from neuromosaic.delivery.pull_requests.git import Git

Formatter = Literal["black", "ruff"]
Runner = Literal["pytest", "unittest"]

MODEL_FOLDERS = ("models", "model", "networks", "nets", "architectures", "modules")
_NO_PACKAGE = {"tests", "test", "docs", "doc", "examples", "scripts", "benchmarks", "tools"}
_CONVENTIONAL = re.compile(r"(feat|fix|docs|style|refactor|perf|test|build|ci|chore|revert)(\([^)]*\))?!?: ")
_TEST = re.compile(r"(test_\w+|\w+_test)\.py")


class Tree(NamedTuple):
    """A commit's files: all names, and the text of one ("" where it is not there)."""

    names: frozenset[str]
    read: Callable[[str], str]

    @classmethod
    def of(cls, git: Git, commit: str) -> "Tree":
        names = frozenset(git("ls-tree", "-r", "-z", "--name-only", commit).split("\0"))
        return cls(names - {""}, lambda name: git.ask("show", f"{commit}:{name}") or "" if name in names else "")

    def has(self, folder: str) -> bool:
        return any(name.startswith(f"{folder}/") for name in self.names)


class Layout(NamedTuple):
    """Where things stand. `root` is what Python imports from ("src", "."); `package` None: there is none;
    `tests` None: beside the code. `suffix`: test files are called `name_test.py`."""

    root: PurePosixPath
    package: PurePosixPath | None
    models: PurePosixPath
    tests: PurePosixPath | None
    suffix: bool
    runner: Runner


class Style(NamedTuple):
    """`line_length` None: the formatter's own. `sorts`: what orders imports. `lfs`: the repository's patterns."""

    formatter: Formatter | None
    line_length: int | None
    sorts: Literal["ruff", "isort"] | None
    lfs: tuple[str, ...]


class Manners(NamedTuple):
    """How commits read. `prefix`: "feat: " or nothing; `capital`: subjects begin with a capital letter."""

    conventional: bool
    capital: bool
    sign_off: bool
    contributing: str | None


class Habits(NamedTuple):
    layout: Layout
    style: Style
    manners: Manners


def read_habits(git: Git, commit: str) -> Habits:
    """Of the repository as it is at `commit`."""
    tree = Tree.of(git, commit)
    history = git("log", "-50", "--no-merges", "--format=%s%x00%(trailers:key=Signed-off-by)%x1e", commit)
    return Habits(layout(tree), style(tree), manners(tree, history.split("\x1e")))


# ---------------------------------------------------------------- layout


def layout(tree: Tree) -> Layout:
    """From file names alone, and from what test files say."""
    package = _package(tree)
    root = package.parent if package else PurePosixPath("src" if tree.has("src") and not package else ".")
    tests = _test_files(tree)
    apart = [name for name in tests if name.parts[0] in {"tests", "test"} or "tests" in name.parts[:-1]]
    beside = bool(tests) and len(apart) * 2 < len(tests)
    return Layout(
        root, package, _models(tree, package), None if beside else _tests_folder(tree, apart),
        sum(name.name.endswith("_test.py") for name in tests) * 2 > len(tests), _runner(tree, tests),
    )  # fmt: skip


def _package(tree: Tree) -> PurePosixPath | None:
    """The top-level package with the most modules; the one that the project is named after wins."""
    found = [PurePosixPath(name).parent for name in tree.names if PurePosixPath(name).name == "__init__.py"]
    tops = [path for path in found if str(path.parent) in {"src", "."} and path.name not in _NO_PACKAGE]
    named = str(_toml(tree, "pyproject.toml").get("project", {}).get("name", "")).lower().replace("-", "_")
    return max(tops, key=lambda path: (path.name == named, _modules(tree, path), str(path)), default=None)


def _modules(tree: Tree, folder: PurePosixPath) -> int:
    return sum(name.startswith(f"{folder}/") and name.endswith(".py") for name in tree.names)


def _models(tree: Tree, package: PurePosixPath | None) -> PurePosixPath:
    """The folder where networks are kept already; else the package itself, else "models"."""
    around = package or PurePosixPath(".")
    known = [around / name for name in MODEL_FOLDERS if _modules(tree, around / name)]
    return known[0] if known else package or PurePosixPath("models")


def _test_files(tree: Tree) -> list[PurePosixPath]:
    paths = map(PurePosixPath, sorted(tree.names))
    return [path for path in paths if _TEST.fullmatch(path.name) and path.name != "conftest.py"]


def _tests_folder(tree: Tree, apart: Sequence[PurePosixPath]) -> PurePosixPath:
    tops = [PurePosixPath(*path.parts[: path.parts.index("tests") + 1]) if "tests" in path.parts
            else PurePosixPath(path.parts[0]) for path in apart]  # fmt: skip
    if tops:
        return max(set(tops), key=lambda top: (tops.count(top), str(top)))
    return PurePosixPath("test" if tree.has("test") and not tree.has("tests") else "tests")


def _runner(tree: Tree, tests: Iterable[PurePosixPath]) -> Runner:
    """pytest, unless all the test files that say so much are unittest's."""
    if _configured(tree, "pytest"):
        return "pytest"
    texts = [tree.read(str(path)) for path in list(tests)[:20]]
    unittests = sum("unittest.TestCase" in text or "(TestCase)" in text for text in texts)
    others = any(re.search(r"^(import|from) pytest", text, re.M) for text in texts)
    all_of_them = unittests == sum("def test" in text for text in texts)
    return "unittest" if unittests and all_of_them and not others else "pytest"


def _configured(tree: Tree, tool: str) -> bool:
    if tool in _toml(tree, "pyproject.toml").get("tool", {}) or f"{tool}.ini" in tree.names:
        return True
    return any(re.search(rf"^\[(tool:)?{tool}\]", tree.read(name), re.M) for name in ("setup.cfg", "tox.ini"))


# ---------------------------------------------------------------- style


def style(tree: Tree) -> Style:
    """The formatter that the repository names in its settings, and its line length."""
    tools = _toml(tree, "pyproject.toml").get("tool", {})
    ruff = tools.get("ruff") or _toml(tree, "ruff.toml") or _toml(tree, ".ruff.toml")
    hooks = tree.read(".pre-commit-config.yaml")
    black = "black" in tools or "psf/black" in hooks or "id: black" in hooks
    uses_ruff = bool(ruff) or "ruff" in tools or "ruff-format" in hooks
    formatter: Formatter | None = "black" if black else "ruff" if uses_ruff else None
    length = (tools.get("black") or {}).get("line-length") if black else (ruff or {}).get("line-length")
    selected = str((ruff or {}).get("lint", ruff or {}).get("select", "")) + str(
        (ruff or {}).get("lint", ruff or {}).get("extend-select", "")
    )
    sorts: Any = "isort" if "isort" in tools or "id: isort" in hooks else "ruff" if "'I" in selected else None
    patterns = re.findall(r"^(\S+)\s.*\bfilter=lfs\b", tree.read(".gitattributes"), re.M)
    return Style(formatter, length or _flake8(tree), sorts, tuple(patterns))


def _flake8(tree: Tree) -> int | None:
    for name in (".flake8", "setup.cfg", "tox.ini"):
        found = re.search(r"^max[-_]line[-_]length\s*=\s*(\d+)", _section(tree.read(name), "flake8"), re.M)
        if found:
            return int(found[1])
    return None


def _section(text: str, name: str) -> str:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return ""
    return "\n".join(f"{key} = {value}" for key, value in parser.items(name)) if parser.has_section(name) else ""


def _toml(tree: Tree, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(tree.read(name))
    except tomllib.TOMLDecodeError:
        return {}  # broken settings are the repository's own affair


# ---------------------------------------------------------------- manners


def manners(tree: Tree, history: Sequence[str]) -> Manners:
    """`history`: subject, NUL, sign-off lines of each of the latest commits."""
    told = [entry.strip().partition("\0") for entry in history if entry.strip()]
    subjects = [subject for subject, _, _ in told]
    plain = [subject for subject in subjects if subject[:1].isalpha()]
    return Manners(
        _most(_CONVENTIONAL.match(subject) for subject in subjects),
        not plain or _most(subject[0].isupper() for subject in plain),
        _most(signed for _, _, signed in told),
        next((name for name in sorted(tree.names) if _is_guide(name)), None),
    )


def _most(marks: Iterable[object]) -> bool:
    listed = [bool(mark) for mark in marks]
    return sum(listed) * 2 > len(listed)


def _is_guide(name: str) -> bool:
    path = PurePosixPath(name)
    return path.stem.upper() == "CONTRIBUTING" and str(path.parent) in {".", ".github", "docs"}
