"""`neuromosaic export`: a finished run's network in the formats that other stacks read."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from neuromosaic.core.errors import UsageError
from neuromosaic.core.spelling import suggest
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.delivery.exporting import FILES, Exported, Exporter, Format
from neuromosaic.delivery.pull_requests.material import Material
from neuromosaic.interfaces.pr import material_of


def export(
    root: Path, run: str, wanted: Sequence[str], out: Path | None, boundary: Accepted, *, as_json: bool
) -> None:
    """Writes a folder with the files and `export.json`, or nothing at all. `run`: an id, or a delivered folder."""
    formats = [_known(name) for name in wanted]
    with tempfile.TemporaryDirectory(prefix="neuromosaic-") as spare:
        material = material_of(root, run, None, Path(spare))
    folder = out or Path("exports") / material.results.run
    if folder.exists():
        raise UsageError(f"{folder} exists already: name another place with --out, or move it away")
    done = _exported(material, formats, boundary)
    _write(folder, done)
    said = [one.described() for one in done]
    if as_json:
        print(json.dumps({"folder": str(folder), "exports": said}, indent=2))
        return
    for one in done:
        names = ", ".join(str(folder / name) for name in one.files)
        print(f"{one.format}: {names} (differs from model.py by at most {one.difference:.2g})")


def _known(name: str) -> Format:
    found = next((known for known in FILES if known == name), None)
    if found is None:
        raise UsageError(f"--to {name}: no such format{suggest(name, FILES)}")
    return found


def _exported(material: Material, formats: Sequence[Format], boundary: Accepted) -> list[Exported]:
    from neuromosaic.core.judge.process import ProcessJudge
    from neuromosaic.core.sandbox.process import ProcessSandbox

    sandbox, judge = ProcessSandbox(workers=1, boundary=boundary), ProcessJudge(workers=1)
    try:
        exporter = Exporter(material, sandbox, judge)
        return [exporter.export(wanted) for wanted in dict.fromkeys(formats)]
    finally:
        judge.close()
        sandbox.close()


def _write(folder: Path, done: Sequence[Exported]) -> None:
    """Appears whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as spare:
            part = Path(spare) / "part"
            part.mkdir()
            for one in done:
                for name, data in one.files.items():
                    (part / name).write_bytes(data)
            (part / "export.json").write_text(json.dumps([one.described() for one in done], indent=2) + "\n")
            part.rename(folder)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror or error}; name another place with --out") from None
