"""Weights in a repository: small ones as they are, large ones by Git LFS, or not at all."""

import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from neuromosaic.delivery.pull_requests.material import Material

FILE = "weights.safetensors"
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
