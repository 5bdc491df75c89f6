"""Where an extension of the user's own network goes: into the file that it extends."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from neuromosaic.core.errors import RepositoryError, UsageError
from neuromosaic.delivery.extended import Extended
from neuromosaic.delivery.material import Material, identifier
from neuromosaic.delivery.pull_requests.git import Git
from neuromosaic.delivery.pull_requests.habits import Habits, Tree
from neuromosaic.delivery.pull_requests.in_place import Names, extended, names_for
from neuromosaic.delivery.pull_requests.placing import (
    PASSED_ON,
    Change,
    Place,
    adapted,
    free_test_path,
    refuse_taken,
    relative,
)
from neuromosaic.delivery.pull_requests.weights import place_weights

Merge = Callable[[str, str, str], str]
"""Three ways: the file as the run has read it, as it is now, as the run would have it."""


def place_in_file(material: Material, given: Extended, habits: Habits, tree: Tree, now: str, merge: Merge) -> Place:
    """`now`: the user's file as it is at the base. Its evidence and weights go into a folder beside it.

    Raises UsageError where nothing was found that is better than the given network, or a place is taken, and
    RepositoryError where the file has changed since in the same lines.
    """
    if material.candidate.designed_by == "you":
        raise UsageError(f"the run found nothing better than {given.entry} as it is: there is nothing to change")
    if given.entry != "Model" and re.search(r"^class Model\b", now + "\n" + given.source, re.MULTILINE):
        raise UsageError(
            f"{given.path} has a class Model beside {given.entry}: put the network elsewhere with --into"
        )
    file = PurePosixPath(given.path)
    names = names_for(given.entry, given.given, now + given.source)
    text = _merged(material, given, now, names, merge)
    called = identifier(f"extended_{given.entry}")
    folder = file.parent / called
    refuse_taken(tree, folder)
    module = ".".join(relative(file, habits.layout).with_suffix("").parts)
    test, weights = (
        free_test_path(called, folder, habits.layout, tree),
        place_weights(material, folder, habits.style.lfs),
    )
    begins = f"from {module} import {names.added} as "
    files = {
        file: text.encode(),
        test: adapted(material.text("test_model.py"), begins, habits.layout).encode(),
        **{folder / name: material.files[name] for name in PASSED_ON if name in material.files},
        **weights.files,
    }
    files[folder / "card.md"] = material.text("card.md").replace("from model import ", begins).encode()
    return Place(
        folder, file, test, module, files, weights, names.added, Change(now, names, _plain(now) != given.source)
    )


def _merged(material: Material, given: Extended, now: str, names: Names, merge: Merge) -> str:
    """With the ends of lines that the file has."""
    wanted = extended(given.source, material.text("model.py"), names)
    plain = _plain(now)
    text = wanted if plain == given.source else merge(given.source, plain, wanted)
    if "\r\n" not in now:
        return text
    if now.count("\r\n") != now.count("\n"):
        raise RepositoryError(f"{given.path} ends its lines in two ways: make them one, and design again")
    return text.replace("\n", "\r\n")


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def merge_by(git: Git, path: str) -> Merge:
    """By `git merge-file`. Raises RepositoryError where both have changed the same lines."""
    import tempfile
    from pathlib import Path

    def merge(base: str, now: str, wanted: str) -> str:
        with tempfile.TemporaryDirectory(prefix="neuromosaic-") as spare:
            files = [Path(spare) / name for name in ("now", "base", "wanted")]
            for file, text in zip(files, (now, base, wanted), strict=True):
                file.write_text(text, encoding="utf-8")
            said = git.try_to("merge-file", "-p", *map(str, files))
            if said.code:
                raise RepositoryError(
                    f"{path} has changed since the run has read it, in the same lines: design again from the file as "
                    "it is, or put the network into a file of its own with --into"
                )
            return git.bytes_of("merge-file", "-p", *map(str, files)).decode()

    return merge
