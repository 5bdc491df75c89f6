"""Where the delivered files go in a repository, and what becomes of them there."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from neuromosaic.core.errors import UsageError
from neuromosaic.delivery.material import Material, identifier
from neuromosaic.delivery.pull_requests.habits import Habits, Layout, Tree
from neuromosaic.delivery.pull_requests.in_place import Names
from neuromosaic.delivery.pull_requests.weights import Weights, place_weights

PASSED_ON = ("card.md", "preprocessing.json", "results.json", "pareto.svg", "learning.svg")
_IMPORT = re.compile(r"^from model import ", re.MULTILINE)


class Change(NamedTuple):
    """The user's file before the change, as it is at the base; `merged`: other than the run has read it."""

    before: str
    names: Names
    merged: bool


class Place(NamedTuple):
    """The files by path. `module`: the dotted name that the network, `called`, is imported from; `test`: the test's
    path. `change`: of the user's file `model`; None where that is a new one."""

    folder: PurePosixPath
    model: PurePosixPath
    test: PurePosixPath
    module: str
    files: Mapping[PurePosixPath, bytes]
    weights: Weights
    called: str = "Model"
    change: Change | None = None

    @property
    def path_entries(self) -> tuple[str, ...]:
        """What must be on Python's path for the test to find the model, below the repository's root."""
        depth = len(self.module.split("."))
        return (str(PurePosixPath(*self.model.parts[: len(self.model.parts) - depth])),)


def place(material: Material, habits: Habits, tree: Tree, into: str | None = None, name: str | None = None) -> Place:
    """Raises UsageError for a name or a folder that cannot be used, or is taken at the base."""
    called = _called(material, name)
    parent = _inside(into) if into else habits.layout.models
    folder = parent / called
    refuse_taken(tree, folder)
    module = ".".join((*relative(folder, habits.layout).parts, "model"))
    test = free_test_path(called, folder, habits.layout, tree)
    weights = place_weights(material, folder, habits.style.lfs)
    files = {
        folder / "model.py": material.files["model.py"],
        test: adapted(material.text("test_model.py"), f"from {module} import ", habits.layout).encode(),
        **{folder / other: material.files[other] for other in PASSED_ON if other in material.files},
        **_inits(tree, folder, called),
        **weights.files,
    }
    return Place(folder, folder / "model.py", test, module, files, weights)


def adapted(suite: str, begins: str, layout: Layout) -> str:
    """The suite, with other words for "from model import "; for `python -m unittest` with a way in."""
    text = _IMPORT.sub(begins, suite)
    return text if layout.runner == "pytest" else f"{text.rstrip()}\n\n\n{_FOR_UNITTEST}"


def original(placed: str, place: "Place") -> str:
    """`adapted`, undone as far as running it beside model.py asks for."""
    known = rf"^from {re.escape(place.module)} import "
    if place.change is None:
        return re.sub(known, "from model import ", placed, flags=re.MULTILINE)
    return re.sub(rf"{known}{place.called} as ", "from model import ", placed, flags=re.MULTILINE)


_FOR_UNITTEST = '''\
def load_tests(loader: object, tests: object, pattern: object) -> object:
    """What `python -m unittest` calls: these tests are pytest's, and count as one there."""
    from unittest import FunctionTestCase, TestSuite

    import pytest

    def all_of_them() -> None:
        assert pytest.main(["-q", __file__]) == 0, "see above"

    return TestSuite([FunctionTestCase(all_of_them, description=__name__)])
'''


def _called(material: Material, name: str | None) -> str:
    if name is not None and identifier(name) != name:
        raise UsageError(
            f"--name {name!r}: lower-case letters, digits and underscores, for it names a Python package"
        )
    return name or material.name


def _inside(into: str) -> PurePosixPath:
    path = PurePosixPath(into.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ".git" in path.parts:
        raise UsageError(f"--into {into}: name a folder inside the repository, like src/models")
    return path


def refuse_taken(tree: Tree, folder: PurePosixPath) -> None:
    for path in (folder, *folder.parents):
        if str(path) in tree.names:
            raise UsageError(f"{path} is a file or a submodule of the repository: put the network elsewhere (--into)")
    if tree.has(str(folder)):
        raise UsageError(
            f"{folder} is there already: name the network otherwise (--name), or put it elsewhere (--into)"
        )


def relative(folder: PurePosixPath, layout: Layout) -> PurePosixPath:
    return folder.relative_to(layout.root) if folder.is_relative_to(layout.root) else folder


def free_test_path(called: str, folder: PurePosixPath, layout: Layout, tree: Tree) -> PurePosixPath:
    """Raises UsageError where it is taken."""
    test = _test_path(called, folder, layout, tree)
    if str(test) in tree.names:
        raise UsageError(f"{test} is there already: name the network otherwise with --name")
    return test


def _test_path(called: str, folder: PurePosixPath, layout: Layout, tree: Tree) -> PurePosixPath:
    file = f"{called}_model_test.py" if layout.suffix else f"test_{called}_model.py"
    if layout.tests is None:
        return folder / file
    inner = relative(folder.parent, layout)
    steps = inner.parts[1:] if layout.package else inner.parts
    mirrored = layout.tests.joinpath(*steps)
    return (mirrored if tree.has(str(mirrored)) else layout.tests) / file


def _inits(tree: Tree, folder: PurePosixPath, called: str) -> dict[PurePosixPath, bytes]:
    """`__init__.py` where the folder above has one, or a new folder stands between a package and ours."""
    missing, above = [folder], folder.parent
    while above.parts and not tree.has(str(above)):
        missing.append(above)
        above = above.parent
    if str(above / "__init__.py") not in tree.names:
        return {}
    first = f'"""The {called} network: see card.md."""\n'.encode()
    return {path / "__init__.py": first if path == folder else b"" for path in missing}
