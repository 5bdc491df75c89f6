"""`neuromosaic validate`: what may be typed, what is printed, how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.brief import Constraints, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.interfaces.cli import run
from neuromosaic.interfaces.validate import Wanted, find_files, read_constraints, read_init, read_signature

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, x):
        return self.layers({x})
"""


def wanted(**options: Any) -> Wanted:
    empty = dict.fromkeys(Wanted._fields)
    return Wanted(**{**empty, "files": [], "timeout": 60.0, "boundary": "auto", **options})


def test_files_get_a_line_each_and_one_for_each_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.py").write_text(NET.format(x="x"))
    (tmp_path / "leaking.py").write_text(NET.format(x="x - x.mean(0)"))
    code = run(["validate", str(tmp_path), "--input", "6", "--output", "3", "--jobs", "1"])
    shown = capsys.readouterr()
    good, bad, finding = shown.out.splitlines()
    assert code == 1
    assert good.startswith(f"ok  {tmp_path}/good.py  graph lane  43 parameters")
    assert bad.startswith(f"BAD {tmp_path}/leaking.py")
    assert finding.startswith("    error behave/batch-leak: ")
    assert shown.err == "1 of 2 accepted\n"


def test_json_is_a_line_per_file_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "good.py"
    file.write_text(NET.format(x="x"))
    options = ["--input", "6", "--output", "3", "--init", '{"width": 5}', "--constraint", "params<1k", "--json"]
    assert run(["validate", str(file), *options, "--task", "classification"]) == 0
    shown = capsys.readouterr()
    (told,) = map(json.loads, shown.out.splitlines())
    assert (told["file"], told["accepted"], told["parameters"]) == (str(file), True, 6 * 5 + 5 + 5 * 3 + 3)
    assert shown.err == ""


def test_what_was_typed_becomes_a_signature() -> None:
    signature = read_signature(wanted(input=["3x8x8", "5:int64<9"], output=["10"], task="classification"))
    assert signature.inputs[1] == TensorSpec(shape=(5,), dtype="int64", upper=9)
    assert (signature.outputs, signature.loss) == ((TensorSpec(shape=(10,)),), "cross_entropy")
    assert signature.batch_axes == (0,)
    assert read_signature(wanted(loss="binary_cross_entropy")).loss == "binary_cross_entropy"
    assert read_signature(wanted()).batch_axes == (0, 1)
    assert read_signature(wanted(input=["4"], batch_axis="1")).batch_axes == (1,)
    assert read_signature(wanted(input=["4"], batch_axis="none")).batch_axes == ()


@pytest.mark.parametrize("options", [{"task": "magic"}, {"loss": "hinge"}, {"batch_axis": "x"}, {"input": ["3,4"]}])
def test_what_cannot_be_understood_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        read_signature(wanted(**options))


def test_constructor_arguments_are_json() -> None:
    assert read_init(wanted(entry="Net")).entry == "Net"
    assert read_init(wanted(init='{"a": [1]}')).values == {"a": [1]}
    assert read_init(wanted(init='[3, "x"]')).arguments == (3, "x")
    for text in ("{", "3"):
        with pytest.raises(UsageError):
            read_init(wanted(init=text))


def test_limits_are_read_with_their_units() -> None:
    limits = read_constraints(["params<200k", "FLOPs <= 1.5M", "memory<2GB"])
    assert limits == Constraints(parameters=200_000, flops=1.5e6, memory_mb=2000)
    for text in ("params>3", "latency<3ms", "params<3x", "weight<3"):
        with pytest.raises(UsageError, match="params<200k"):
            read_constraints([text])


def test_files_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_files([tmp_path / "none.py"])
    with pytest.raises(UsageError, match="no Python file"):
        find_files([tmp_path])
    assert run(["validate", str(tmp_path / "none.py")]) == 2


def test_tests_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET.format(x="x"))
    assert run(["validate", str(file), "--input", "6", "--tests", str(tmp_path / "none.py")]) == 2
