"""Weights in a repository: small ones as they are, large ones by Git LFS, or not at all."""

import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from neuromosaic.core.errors import RepositoryError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.git import Git

FILE = "weights.safetensors"
_POINTER = b"version https://git-lfs.github.com/spec/"
"""What git keeps of a file that LFS has."""

LARGEST = 1_000_000
"""Bytes that a repository takes without Git LFS: whoever clones it pays for them for ever."""


class Weights(NamedTuple):
    """`files`: what is committed for them; `note`: in words, what became of them; `by_lfs`: how."""

    files: Mapping[PurePosixPath, bytes]
    note: str
    by_lfs: bool = False


def place_weights(material: Material, folder: PurePosixPath, lfs: Sequence[str]) -> Weights:
    """`lfs`: the patterns of the repository's .gitattributes."""
    data = material.files.get(FILE)
    if data is None:
        return Weights({}, "The delivery has no weights.")
    by_lfs = any(fnmatch.fnmatch(FILE, pattern) or fnmatch.fnmatch(str(folder / FILE), pattern) for pattern in lfs)
    if by_lfs or len(data) <= LARGEST:
        how = " by Git LFS" if by_lfs else ""
        return Weights({folder / FILE: data}, f"The weights ({_size(len(data))}) are committed{how}.", by_lfs)
    text = _missing(material, data)
    return Weights({folder / "WEIGHTS.md": text.encode()}, " ".join(text.split("\n\n")[1].split()))


def refuse_raw(git: Git, weights: Weights) -> None:
    """Raises RepositoryError where files that belong into Git LFS were staged as they are: it is not set up."""
    for path in weights.files if weights.by_lfs else ():
        if not git.bytes_of("show", f":{path}").startswith(_POINTER):
            raise RepositoryError(
                f"{path} belongs into Git LFS, which is not set up here: install git-lfs, run `git lfs install`, "
                "and try again"
            )


def _missing(material: Material, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f"""\
# Weights

{FILE} ({_size(len(data))}, SHA-256 `{digest}`) is too large for a repository without Git LFS.

Copy it here from the folder that run {material.results.run} delivered, or build it again as card.md says under "Do it
again", and compare: `sha256sum {FILE}`.
"""


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.0f} kB"
