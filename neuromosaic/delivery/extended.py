"""The user's file that a run has extended: what a pull request needs to change it in place."""

from pathlib import Path

from neuromosaic.core.brief import Value

FILE = "extends.json"
"""Its name in a delivered folder."""


class Extended(Value):
    """`path` in its repository, else the file's name; `source` as it was read; `entry`, the class that was extended,
    and what the delivered model.py calls that class: `given`."""

    path: str
    source: str
    entry: str
    given: str


def path_in_repository(file: Path) -> str:
    """The path below the git repository around the file, with slashes; its name alone where there is none.

    >>> path_in_repository(Path("/nowhere/net.py"))
    'net.py'
    """
    whole = file.absolute()
    root = next((folder for folder in whole.parents if (folder / ".git").exists()), whole.parent)
    return whole.relative_to(root).as_posix()
