"""The folder of a run's exports: formats join those that are there, and nobody else's file is replaced."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from neuromosaic.core.errors import UsageError
from neuromosaic.delivery.exporting import Exported

LIST: Final = "export.json"


def exported_earlier(folder: Path, run: str) -> dict[str, dict[str, Any]]:
    """What is there of this run, by format. Raises UsageError where the folder holds something else."""
    if not folder.exists():
        return {}
    try:
        found = json.loads((folder / LIST).read_text())
        if all(one["run"] == run for one in found):
            return {one["format"]: one for one in found}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UsageError(f"{folder} exists already: name another place with --out, or move it away")


def write_exports(folder: Path, run: str, done: Sequence[Exported]) -> list[dict[str, Any]]:
    """Writes files and list, or nothing at all; hands back what the list says of `done`.

    Raises UsageError where a file there was not written by us, or was changed since.
    """
    entries = exported_earlier(folder, run)
    files = {name: data for one in done for name, data in one.files.items()}
    _check_ours(folder, entries, files)
    said = [{"run": run, **one.described()} for one in done]
    entries |= {str(one["format"]): one for one in said}
    files[LIST] = (json.dumps([*entries.values()], indent=2) + "\n").encode()
    try:
        _write(folder, files)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror or error}; name another place with --out") from None
    return said


def _check_ours(folder: Path, entries: Mapping[str, Mapping[str, Any]], files: Mapping[str, bytes]) -> None:
    digests = {name: digest for one in entries.values() for name, digest in one["sha256"].items()}
    for name in files:
        path = folder / name
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digests.get(name):
            raise UsageError(f"{path} is not as an export left it: move it away, or name another place with --out")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """A new folder appears whole; in an old one each file does, the list last."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as spare:
        part = Path(spare) / "part"
        part.mkdir()
        for name, data in files.items():
            (part / name).write_bytes(data)
        if not folder.exists():
            part.rename(folder)
            return
        for name in files:
            (part / name).replace(folder / name)
