"""Files through the ladder: real workers, one verdict each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.brief import Constraints, TensorSpec
from neuromosaic.core.protocols import Judge, Sandbox
from neuromosaic.core.signature import Signature
from neuromosaic.core.validation.files import Construction, Report, validate
from neuromosaic.core.validation.ladder import Ladder
from neuromosaic.core.validation.parse import LARGEST

STATED = Signature(inputs=(TensorSpec(shape=(6,)),), outputs=(TensorSpec(shape=(3,)),), loss="cross_entropy")
OWN = Signature(batch_axes=(0, 1))
MLP = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, x):
        return self.layers(x)
"""


class Bench:
    def __init__(self, folder: Path, sandbox: Sandbox, judge: Judge) -> None:
        self.folder, self._workers = folder, (sandbox, judge)

    def __call__(
        self, sources: Sequence[str | bytes], signature: Signature = STATED, suite: str | None = None, **how: Any
    ) -> list[Report]:
        files = [self.folder / f"net{number}.py" for number in range(len(sources))]
        for file, source in zip(files, sources, strict=True):
            file.write_bytes(source if isinstance(source, bytes) else source.encode())
        limits, timeout = how.pop("limits", Constraints()), how.pop("timeout", 20.0)
        ladder = Ladder(*self._workers, signature, limits, timeout=timeout, strict=False)
        return list(validate(files, ladder, Construction(**how), suite))

    def one(self, source: str | bytes, signature: Signature = STATED, **how: Any) -> Report:
        (report,) = self([source], signature, **how)
        return report


@pytest.fixture
def bench(tmp_path: Path, sandbox: Sandbox, judge: Judge) -> Bench:
    return Bench(tmp_path, sandbox, judge)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.climb.findings]


def test_the_verdict_says_all_that_a_script_needs(bench: Bench) -> None:
    told = bench.one(MLP, limits=Constraints(parameters=500)).to_dict()
    assert told["file"].endswith("net0.py")
    assert (told["accepted"], told["lane"], told["gate"], told["findings"]) == (True, "graph", None, [])
    assert (told["parameters"], told["flops"], told["duplicate_of"]) == (83, 144, None)
    assert len(told["hash"]) == 64
    assert set(told["ms"]) == {"parse", "shape", "behave", "learn"}
    assert "seccomp" in told["boundary"]


def test_the_only_network_that_no_other_uses_is_the_one(bench: Bench) -> None:
    block = "\nclass Block(nn.Module):\n    def forward(self, x):\n        return x\n"
    used = MLP.replace("\nclass Net", block + "\nclass Net").replace("nn.ReLU()", "Block(), nn.ReLU()")
    assert bench.one(used).accepted
    assert codes(bench.one(used.replace("Block(), ", ""))) == ["two-modules"]
    assert bench.one(used.replace("Block(), ", ""), entry="Net").accepted
    assert codes(bench.one(MLP, entry="Other")) == ["no-model"]


def test_arguments_may_be_stated_by_name_or_in_order(bench: Bench) -> None:
    needy = MLP.replace("width=8", "width")
    assert codes(bench.one(needy)) == ["argument-without-default"]
    for how in ({"values": {"width": 5}}, {"arguments": (5,)}):
        assert bench.one(needy, **how).to_dict()["parameters"] == 6 * 5 + 5 + 5 * 3 + 3


FACTORIES = """
def get_inputs():
    return [torch.rand(4, 6)]

def get_init_inputs():
    return {init}
"""


@pytest.mark.parametrize("init", ["[5]", "[[], {'width': 5}]", "[[5], {}]"])
def test_a_file_may_bring_its_own_inputs(bench: Bench, init: str) -> None:
    report = bench.one(MLP + FACTORIES.format(init=init), OWN)
    assert (report.accepted, codes(report)) == (True, [])
    assert report.to_dict()["parameters"] == 6 * 5 + 5 + 5 * 3 + 3


def test_a_file_that_brings_none_must_be_told(bench: Bench) -> None:
    assert codes(bench.one(MLP, OWN)) == ["no-inputs"]


def test_other_arguments_of_forward_than_tensors_are_kept(bench: Bench) -> None:
    scaled = MLP.replace("(self, x)", "(self, x, scale, parts)").replace(
        "self.layers(x)", "self.layers(x) * scale + parts[0]"
    )
    report = bench.one(scaled + "def get_inputs():\n    return [torch.rand(4, 6), 2.0, [torch.rand(4, 3)]]\n", OWN)
    assert (report.accepted, codes(report)) == (True, [])


def test_python_that_is_no_graph_gets_its_own_inputs_as_well(bench: Bench) -> None:
    deciding = MLP.replace("(self, x)", "(self, x, scale)").replace(
        "return self.layers(x)", "return self.layers(x) * scale if x.sum() > 0 else self.layers(-x)"
    )
    report = bench.one(deciding + "def get_inputs():\n    return [torch.rand(4, 6), 2.0]\n", OWN)
    assert (report.accepted, report.climb.lane, codes(report)) == (True, "python", ["not-exportable"])


def test_without_a_promise_what_hinders_learning_alone_is_a_warning(bench: Bench) -> None:
    unused = MLP.replace("nn.Linear(width, 3))", "nn.Linear(width, 3))\n        self.left = nn.Linear(2, 2)")
    assert not bench.one(unused).accepted
    report = bench.one(unused + FACTORIES.format(init="[]"), OWN)
    assert (report.accepted, codes(report)) == (True, ["no-gradient", "no-gradient"])


MATRICES = """
import torch
from torch import nn

class Model(nn.Module):
    def forward(self, a, b):
        return {body}

def get_inputs():
    return [torch.rand(4, 4), torch.rand(4, 4)]
"""


@pytest.mark.parametrize("body", ["a @ b", "((a - b) ** 2).mean()", "a / a.norm()"])
def test_an_operation_without_a_batch_is_accepted(bench: Bench, body: str) -> None:
    assert bench.one(MATRICES.format(body=body), OWN).accepted


def test_inputs_of_many_gigabytes_are_looked_at_by_their_shapes(bench: Bench) -> None:
    report = bench.one(MATRICES.format(body="a + b").replace("(4, 4)", "(40_000, 40_000)"), OWN)
    assert (report.accepted, codes(report)) == (True, ["not-exercised"])


def test_files_with_one_network_share_a_verdict(bench: Bench) -> None:
    renamed = MLP.replace("layers", "stack")
    reports = bench(
        [
            MLP,
            MLP + "\n# the same\n",
            renamed,
            MLP.replace("6, width", "6, 2 * width").replace("(width, 3", "(2 * width, 3"),
        ]
    )
    assert [report.climb.findings for report in reports if not report.accepted] == []
    first = reports[0].file
    assert [report.duplicate_of for report in reports] == [None, first, first, None]
    assert len({report.climb.candidate_id for report in reports}) == 2
    assert reports[0].climb.verdicts == reports[1].climb.verdicts == reports[2].climb.verdicts  # judged once


def test_the_first_of_several_may_turn_out_to_be_the_network_of_a_quicker_one(bench: Bench) -> None:
    slow = MLP.replace("super().__init__()", "super().__init__()\n        sum(range(20_000_000))")
    assert slow != MLP
    reports = bench([slow, slow + "\n# the same\n", MLP])
    assert [report.climb.findings for report in reports if not report.accepted] == []
    first = reports[0].file
    assert [report.duplicate_of for report in reports] == [None, first, first]


def test_a_network_that_several_files_have_is_refused_in_all_of_them(bench: Bench) -> None:
    leaking = MLP.replace("self.layers(x)", "self.layers(x - x.mean(0))")
    reports = bench([leaking, leaking.replace("layers", "stack")])
    assert [codes(report) for report in reports] == [["batch-leak"]] * 2


@pytest.mark.parametrize(
    ("junk", "code"),
    [
        (b"\x00\xff\x80binary", "syntax"),
        (b"", "no-model"),
        (b"class Net(", "syntax"),
        (b"x = 1\n", "no-model"),
        (b"#" * (LARGEST + 1), "too-large"),
        (b"(" * 5000 + b")" * 5000, "too-deep"),
        (b"x = " + b"-" * 100_000 + b"1", "too-deep"),
        (MLP.replace("import torch\n", "import torch\nimport nonesuch_layers\n").encode(), "import"),
        (MLP.replace("width=8", "width").encode(), "argument-without-default"),
        (MLP.encode() + b"\nraise SystemExit(0)\n", "import"),
        (MLP.encode() + b"\nwhile True: pass\n", "timeout"),
    ],
)
def test_bad_input_gets_a_verdict(bench: Bench, junk: bytes, code: str) -> None:
    report = bench.one(junk, STATED, timeout=5.0)
    errors = [finding for finding in report.climb.findings if finding.severity == "error"]
    assert (report.accepted, report.climb.boundary != "") == (False, True)
    assert code in {finding.code for finding in errors} or (code == "too-deep" and errors[0].code == "syntax")


def test_a_missing_package_is_named(bench: Bench) -> None:
    report = bench.one("import nonesuch_layers\n" + MLP)
    assert "nonesuch_layers" in next(f.message for f in report.climb.findings if f.code == "import")


def test_a_file_that_cannot_be_read_is_a_verdict_too(sandbox: Sandbox, judge: Judge, tmp_path: Path) -> None:
    ladder = Ladder(sandbox, judge, STATED)
    (report,) = validate([tmp_path], ladder, Construction())
    assert "cannot be read" in report.climb.findings[0].message


def test_a_suite_is_run_on_every_file(bench: Bench) -> None:
    suite = "from model import Model\n\ndef test_width():\n    assert Model().layers[0].out_features == 8\n"
    good, bad = bench([MLP, MLP.replace("width=8", "width=9")], suite=suite)
    assert (good.accepted, bad.climb.stopped_by) == (True, "test")


IMPORTS = "from torch import nn\n"
HARMLESS = (
    "import numpy as np",
    "import os\nHERE = os.path.abspath('.')",
    "import warnings",
    "LAYER = eval('nn.ReLU')",
)
DANGEROUS = (
    "import subprocess",
    "import os\nos.system('true')",
    "exec('x = 1')",
    "X = ().__class__.__subclasses__()",
)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_an_honest_file_may_do_is_a_warning(bench: Bench, line: str) -> None:
    assert bench.one(MLP.replace(IMPORTS, f"{IMPORTS}{line}\n")).accepted


@pytest.mark.parametrize("line", DANGEROUS)
def test_what_no_honest_file_does_is_an_error(bench: Bench, line: str) -> None:
    assert bench.one(MLP.replace(IMPORTS, f"{IMPORTS}{line}\n")).climb.stopped_by == "parse"


def test_what_runs_only_as_a_script_is_not_looked_at(bench: Bench) -> None:
    report = bench.one(MLP + "\nif __name__ == '__main__':\n    import subprocess\n    print(Net())\n")
    assert (report.accepted, codes(report)) == (True, [])
