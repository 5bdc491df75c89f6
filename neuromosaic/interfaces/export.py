"""`neuromosaic export`: a finished run's network in the formats that other stacks read."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.errors import DataError, UsageError
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.spelling import suggest
from neuromosaic.core.store.openings import count_later_opening
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.delivery.export_folder import exported_earlier, write_exports
from neuromosaic.delivery.exporting import FILES, SMALLER, Exported, Exporter, Format, check_installed
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.variants import Opened, measured
from neuromosaic.interfaces.pr import material_of


class Request(NamedTuple):
    """What the command line said. `run`: an id, or a delivered folder; `data`: where the run's data are now."""

    run: str
    to: Sequence[str]
    out: Path | None = None
    data: str | None = None
    boundary: Accepted = "auto"


def export(root: Path, request: Request, *, as_json: bool) -> None:
    """Writes the files and `export.json` into a folder, beside earlier exports of the run, or nothing at all."""
    formats = [_known(name) for name in dict.fromkeys(request.to)]
    for wanted in formats:
        check_installed(wanted)
    with tempfile.TemporaryDirectory(prefix="neuromosaic-") as spare:
        material = material_of(root, request.run, None, Path(spare))
    folder = request.out or Path("exports") / material.results.run
    exported_earlier(folder, material.results.run)
    data = _opened(root, material, request.data) if set(formats) & set(SMALLER) else Opened(None)
    done = _exported(material, formats, data, request.boundary)
    said = write_exports(folder, material.results.run, done)
    if as_json:
        print(json.dumps({"folder": str(folder), "exports": said}, indent=2))
        return
    for one in done:
        names = ", ".join(str(folder / name) for name in one.files)
        print(f"{one.format}: {names} (differs from model.py by at most {one.difference:.2g})")
        for sentence in one.told.get("sentences", ()):
            print(f"  {sentence}")


def _known(name: str) -> Format:
    found = next((known for known in FILES if known == name), None)
    if found is None:
        raise UsageError(f"--to {name}: no such format{suggest(name, FILES)}")
    return found


def _opened(root: Path, material: Material, moved: str | None) -> Opened:
    """The run's data, for the figures of variants; that the test split is opened is counted in the store."""
    from neuromosaic.core.evaluation.data.loading import load_dataset

    brief = material.results.brief
    preprocessing = Preprocessing.model_validate_json(material.text("preprocessing.json"))
    try:
        dataset = load_dataset(brief.model_copy(update={"data": moved}) if moved else brief, preprocessing)
    except DataError as error:
        return Opened(None, f"{error}; --data says where the data are")
    names = [material.candidate.name]
    return Opened(dataset, times=count_later_opening(root, material.results.run, dataset.hash, names))


def _exported(material: Material, formats: Sequence[Format], data: Opened, boundary: Accepted) -> list[Exported]:
    from neuromosaic.core.judge.process import ProcessJudge
    from neuromosaic.core.sandbox.process import ProcessSandbox

    sandbox, judge, reader = ProcessSandbox(workers=1, boundary=boundary), ProcessJudge(1), ProcessJudge(1)
    try:
        exporter = Exporter(material, sandbox, judge, reader)
        done = [exporter.export(wanted) for wanted in formats]
        return [_measured(exporter, one, data) if one.format in SMALLER else one for one in done]
    finally:
        for worker in (judge, reader, sandbox):
            worker.close()


def _measured(exporter: Exporter, variant: Exported, data: Opened) -> Exported:
    from neuromosaic.core.evaluation.hardware import profile

    return measured(exporter, variant, exporter.export("torch-export"), data, profile("cpu").name)
