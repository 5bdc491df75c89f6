import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import RunFailedError, UsageError
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.tensors import to_torch
from neuromosaic.core.results import Results
from neuromosaic.core.validation.unchanged import suite_of
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.folder import MANIFEST, deliver, untouched, weights_file

FILES = {
    "model.py",
    "test_model.py",
    "weights.safetensors",
    "results.json",
    "preprocessing.json",
    "card.md",
    "report.html",
    "report.md",
}
PICTURES = {"pareto.svg", "learning.svg"}

WITHOUT_US = "import sys; sys.modules['neuromosaic'] = None\n"
"""As if the package were not installed: importing it fails."""

USED = """
import os, pathlib, re, sys, pytest
for folder in sys.argv[1:]:
    os.chdir(folder)
    for name in ("model", "test_model"):
        sys.modules.pop(name, None)
    if pytest.main(["-q", "test_model.py"]):
        sys.exit(f"{folder}: the tests do not pass")
    (code,) = re.findall(r"```python\\n(.*?)```", pathlib.Path("card.md").read_text(encoding="utf-8"), re.DOTALL)
    print("out:", end=" ")
    exec(code, {})
"""


def python(code: str, *arguments: str, folder: Path) -> str:
    """What a process without the package prints; it must end well."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_US + code, *arguments], cwd=folder, capture_output=True, text=True,
        timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ---------------------------------------------------------------- what is in it


def test_the_folder_holds_what_was_promised(digits: Delivery, tmp_path: Path) -> None:
    files = deliver(tmp_path / "designs" / "net", digits)
    assert {file.name for file in files} == FILES | PICTURES
    assert {file.parent for file in files} == {tmp_path / "designs" / "net"}
    assert names(tmp_path / "designs") == {"net"}
    assert untouched(tmp_path / "designs" / "net")


@pytest.fixture
def bare(digits: Delivery) -> Delivery:
    """Nothing to draw: for what concerns the folder alone."""
    results = digits.results.model_copy(update={"metric": "auroc"})
    return replace(digits, results=results, curves={}, predictions=None)


def test_the_same_delivery_gives_the_same_bytes(digits: Delivery, tmp_path: Path) -> None:
    one, other = deliver(tmp_path / "one", digits), deliver(tmp_path / "other", digits)
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


def test_plain_pytest_passes_next_to_the_model(missed: Delivery, tmp_path: Path) -> None:
    deliver(tmp_path / "net", missed)
    pytest_itself = "import runpy; runpy.run_module('pytest', run_name='__main__', alter_sys=True)"
    assert "2 passed" in python(pytest_itself, "test_model.py", folder=tmp_path / "net")


def test_tests_and_snippet_of_every_task_run_without_us(
    digits: Delivery, regression: Delivery, language: Delivery, tmp_path: Path
) -> None:
    folders = [deliver(tmp_path / run.data.name, run)[0].parent for run in (digits, regression, language)]
    printed = python(USED, *map(str, folders), folder=tmp_path)
    said = [text.strip() for text in re.findall(r"(?m)^out: ((?:.|\n)*?)(?=^\.\.|\Z)", printed)]
    assert re.fullmatch(r"\[\d, \d\]", said[0])
    assert said[1].startswith("tensor([[")
    assert len(said[2]) > 40


def test_the_weights_load_into_the_delivered_model(digits: Delivery, tmp_path: Path) -> None:
    folder = deliver(tmp_path / "net", digits)[0].parent
    namespace: dict[str, Any] = {}
    exec((folder / "model.py").read_text(encoding="utf-8"), namespace)
    model = namespace["Model"]()
    weights = load_file(folder / "weights.safetensors")
    model.load_state_dict(weights)
    for name, data in digits.weights.items():
        torch.testing.assert_close(weights[name], to_torch(data), rtol=0, atol=0)
    assert model.hidden.out_features == 24  # the winner's value, not the family's


def test_every_dtype_of_a_state_dict_is_kept(tmp_path: Path) -> None:
    tensors = {
        "half": TensorData("bfloat16", (2,), b"\x80\x3f\x00\x40"),
        "count": TensorData("int64", (), b"\x07" + bytes(7)),
        "none": TensorData("float32", (0, 3), b""), "flag": TensorData("bool", (1,), b"\x01"),
    }  # fmt: skip
    (tmp_path / "w.safetensors").write_bytes(weights_file(tensors))
    loaded = load_file(tmp_path / "w.safetensors")
    assert loaded["half"].tolist() == [1.0, 2.0]
    assert loaded["count"].item() == 7
    assert {name: tuple(tensor.shape) for name, tensor in loaded.items()} == {n: t.shape for n, t in tensors.items()}


def test_results_json_is_the_contract(digits: Delivery, tmp_path: Path) -> None:
    deliver(tmp_path / "net", digits)
    text = (tmp_path / "net" / "results.json").read_text(encoding="utf-8")
    assert Results.model_validate_json(text) == digits.results
    assert text == digits.results.model_dump_json(indent=2) + "\n"
    assert list(json.loads(text))[:3] == ["run", "status", "seed"]


# ---------------------------------------------------------------- what a person wrote is safe


def test_an_untouched_delivery_is_replaced(bare: Delivery, tmp_path: Path) -> None:
    deliver(tmp_path / "net", bare)
    (tmp_path / "net" / "__pycache__").mkdir()
    (tmp_path / "net" / "__pycache__" / "model.pyc").write_bytes(b"left by the tests")
    stopped = bare.results.model_copy(update={"status": "stopped"})
    deliver(tmp_path / "net", replace(bare, results=stopped))
    assert '"stopped"' in (tmp_path / "net" / "results.json").read_text(encoding="utf-8")
    assert names(tmp_path) == {"net"}


def test_a_changed_delivery_is_kept_and_the_new_one_says_so(bare: Delivery, tmp_path: Path) -> None:
    folder = deliver(tmp_path / "net", bare)[0].parent
    (folder / "model.py").write_text("my own work", encoding="utf-8")
    files = deliver(tmp_path / "net", bare)
    assert files[0].parent == tmp_path / "net-2"
    assert (folder / "model.py").read_text(encoding="utf-8") == "my own work"
    for name in ("card.md", "report.html"):
        assert "net holds files that were not delivered there" in (tmp_path / "net-2" / name).read_text(
            encoding="utf-8"
        )
    assert deliver(tmp_path / "net", bare)[0].parent == tmp_path / "net-2"


@pytest.mark.parametrize("stranger", ["notes.txt", "deep/down/notes.txt", ".hidden"])
def test_any_file_of_a_person_makes_the_delivery_step_aside(bare: Delivery, tmp_path: Path, stranger: str) -> None:
    folder = deliver(tmp_path / "net", bare)[0].parent
    (folder / stranger).parent.mkdir(parents=True, exist_ok=True)
    (folder / stranger).write_text("mine", encoding="utf-8")
    assert deliver(tmp_path / "net", bare)[0].parent.name == "net-2"
    assert (folder / stranger).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"files": 3}', '{"files": {"model.py": "00"}}'])
def test_a_folder_whose_manifest_says_nothing_is_not_ours(
    bare: Delivery, tmp_path: Path, manifest: str | None
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "model.py").write_text("x = 1", encoding="utf-8")
    if manifest is not None:
        (tmp_path / "net" / MANIFEST).write_text(manifest, encoding="utf-8")
    assert deliver(tmp_path / "net", bare)[0].parent.name == "net-2"


def test_an_empty_folder_is_used(bare: Delivery, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    assert deliver(tmp_path / "net", bare)[0].parent.name == "net"


def test_a_file_and_a_dangling_link_in_the_way_stay(bare: Delivery, tmp_path: Path) -> None:
    (tmp_path / "net").write_text("mine", encoding="utf-8")
    (tmp_path / "net-2").symlink_to(tmp_path / "nowhere" / "at" / "all")
    assert deliver(tmp_path / "net", bare)[0].parent.name == "net-3"
    assert (tmp_path / "net").read_text(encoding="utf-8") == "mine"
    assert names(tmp_path) == {"net", "net-2", "net-3"}


def test_a_link_to_a_folder_is_followed(bare: Delivery, tmp_path: Path) -> None:
    (tmp_path / "far" / "net").mkdir(parents=True)
    (tmp_path / "net").symlink_to(tmp_path / "far" / "net")
    assert deliver(tmp_path / "net", bare)[0].parent == tmp_path / "far" / "net"
    assert names(tmp_path / "net") == {*FILES, MANIFEST}


# ---------------------------------------------------------------- whole or not at all


def test_a_crash_while_writing_leaves_nothing_half_done(
    bare: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path / "net", bare)
    before = {path.name: path.read_bytes() for path in (tmp_path / "net").iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        deliver(tmp_path / "net", bare)
    assert {path.name: path.read_bytes() for path in (tmp_path / "net").iterdir()} == before
    assert names(tmp_path) == {"net"}


def test_what_a_killed_process_left_is_cleared_away(bare: Delivery, tmp_path: Path) -> None:
    for left in (f".net.{bare.results.run}.part", f".net.{bare.results.run}.old"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "model.py").write_text("half", encoding="utf-8")
    deliver(tmp_path / "net", bare)
    assert names(tmp_path) == {"net"}


def test_an_earlier_delivery_is_put_back_where_the_new_one_cannot_take_its_place(
    bare: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path / "net", bare)
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(UsageError, match="Input/output error"):
        deliver(tmp_path / "net", bare)
    assert names(tmp_path) == {"net"}
    assert untouched(tmp_path / "net")


def test_whoever_comes_second_steps_aside(bare: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def raced(self: Path, target: Path) -> Path:
        if target.name == "net" and not target.exists():
            target.mkdir()
            (target / "theirs").write_text("quicker", encoding="utf-8")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", raced)
    assert deliver(tmp_path / "net", bare)[0].parent.name == "net-2"
    assert names(tmp_path) == {"net", "net-2"}


def test_a_place_that_cannot_be_written_is_named(bare: Delivery, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot deliver to .*file/net: .*name another place with --out"):
        deliver(tmp_path / "file" / "net", bare)
    with pytest.raises(UsageError, match="name a folder"):
        deliver(Path("/"), bare)


def test_without_a_network_there_is_nothing_to_deliver(bare: Delivery, tmp_path: Path) -> None:
    results = bare.results.model_copy(update={"winner": None})
    with pytest.raises(RunFailedError, match="no certified network"):
        deliver(tmp_path / "net", replace(bare, results=results))
    assert not names(tmp_path)


def test_what_was_built_on_a_given_network_comes_with_the_test_that_it_still_does_what_that_does(
    digits: Delivery, tmp_path: Path
) -> None:
    source = suite_of(digits.model_source, "Model", digits.results.brief.input or TensorSpec(shape=(64,)))
    folder = deliver(tmp_path / "net", replace(digits, unchanged_source=source))[0].parent
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_unchanged.py"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert not (deliver(tmp_path / "other", digits)[0].parent / "test_unchanged.py").exists()
