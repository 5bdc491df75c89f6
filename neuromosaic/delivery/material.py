"""A delivered folder, as it was written: what pull requests and exports are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neuromosaic.core.errors import UsageError
from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.delivery.extended import FILE as EXTENDS
from neuromosaic.delivery.extended import Extended
from neuromosaic.delivery.folder import untouched
from neuromosaic.delivery.text import chosen

NEEDED = ("model.py", "test_model.py", "results.json", "card.md", "preprocessing.json")
WANTED = ("weights.safetensors", "report.md", "pareto.svg", "learning.svg", EXTENDS)


@dataclass(frozen=True)
class Material:
    """The delivered files by name, and the results that they belong to."""

    results: Results
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def candidate(self) -> CandidateResult:
        best = chosen(self.results)
        assert best is not None  # a folder is never delivered without
        return best

    @property
    def name(self) -> str:
        """What the network is called in a repository, a Python identifier: by its data, else by its task."""
        data = (self.results.brief.data or "").partition(":")
        return identifier(data[2] or Path(data[0]).stem) or identifier(self.results.brief.task or "") or "network"

    @property
    def extends(self) -> Extended | None:
        """The user's file that the run started from."""
        return Extended.model_validate_json(self.files[EXTENDS]) if EXTENDS in self.files else None

    def text(self, name: str) -> str:
        return self.files[name].decode("utf-8")


def read_material(folder: Path) -> Material:
    """Raises UsageError naming what is missing, or that the folder is not as it was delivered."""
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"{folder} is no delivered folder: {missing[0]} is missing")
    if not untouched(folder):
        raise UsageError(
            f"files in {folder} were changed since they were delivered, so that the measured figures need not be "
            "theirs: name the run instead of the folder, and change the files on the branch"
        )
    files = {name: (folder / name).read_bytes() for name in (*NEEDED, *WANTED) if (folder / name).is_file()}
    return Material(Results.model_validate_json(files["results.json"]), files)


def identifier(text: str) -> str:
    """Lower-case letters, digits and underscores, a letter first.

    >>> identifier("California Housing (2020).csv")
    'california_housing_2020_csv'
    """
    kept = re.sub(r"[^a-z0-9]+", "_", text.lower().encode("ascii", "ignore").decode()).strip("_")
    return f"net_{kept}" if kept[:1].isdigit() else kept
