"""Exports of a run share a folder; what somebody else put or changed there stays."""

import json
from pathlib import Path

import pytest

from neuromosaic.core.errors import UsageError
from neuromosaic.delivery.export_folder import exported_earlier, write_exports
from neuromosaic.delivery.exporting import Exported

WEIGHTS = Exported("safetensors", {"weights.safetensors": b"w"}, 0.0)
ONNX = Exported("onnx", {"model.onnx": b"o"}, 1e-6)


def test_a_format_joins_those_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "exports" / "run"
    write_exports(folder, "run", [WEIGHTS])
    (folder / "notes.txt").write_text("mine")
    (said,) = write_exports(folder, "run", [ONNX])
    assert (said["run"], said["format"], said["bytes"]) == ("run", "onnx", {"model.onnx": 1})
    assert {path.name for path in folder.iterdir()} == {
        "weights.safetensors", "model.onnx", "export.json", "notes.txt"
    }  # fmt: skip
    assert [one["format"] for one in json.loads((folder / "export.json").read_text())] == ["safetensors", "onnx"]


def test_the_same_format_again_replaces_what_it_wrote(tmp_path: Path) -> None:
    write_exports(tmp_path / "run", "run", [ONNX])
    write_exports(tmp_path / "run", "run", [ONNX._replace(files={"model.onnx": b"new"})])
    assert (tmp_path / "run" / "model.onnx").read_bytes() == b"new"
    assert len(exported_earlier(tmp_path / "run", "run")) == 1


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors"])
def test_a_file_that_was_put_there_or_changed_stays(tmp_path: Path, name: str) -> None:
    write_exports(tmp_path / "run", "run", [WEIGHTS])
    (tmp_path / "run" / name).write_text("mine")
    with pytest.raises(UsageError, match=f"{name} is not as an export left it: move it away"):
        write_exports(tmp_path / "run", "run", [WEIGHTS, ONNX])
    assert (tmp_path / "run" / name).read_text() == "mine"


@pytest.mark.parametrize("text", [None, "{", "3", '[{"run": "another"}]', '[{"format": "onnx"}]'])
def test_a_folder_of_something_else_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "export.json").write_text(text)
    with pytest.raises(UsageError, match="exists already: name another place with --out, or move it away"):
        exported_earlier(tmp_path, "run")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*name another place with --out"):
        write_exports(tmp_path / "file" / "run", "run", [ONNX])
