from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.protocols import Program, Verdict
from neuromosaic.core.signature import signature_of
from neuromosaic.core.validation.parse import LARGEST, check_source

CONTRACT = Contract(
    task="classification",
    input=TensorSpec(shape=(1, 8, 8)),
    output=TensorSpec(shape=(10,)),
    kind="image",
)
GOOD = """
import math
from collections import OrderedDict
import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Sequential):
    pass


class Model(nn.Module):
    def __init__(self, width=8, *, depth=2):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.Linear(width, 10))

    def forward(self, input):
        return self.layers(input)


if __name__ == "__main__":
    print(Model())
"""


def check(source: str) -> Verdict:
    return check_source(Program(source, {}, 0), signature_of(CONTRACT))


def model(body: str = "", before: str = "", bases: str = "nn.Module") -> str:
    forward = "" if "def forward" in body else "    def forward(self, x):\n        return x\n"
    return f"import torch\nfrom torch import nn\n{before}\nclass Model({bases}):\n{body}\n{forward}"


def test_a_good_source_passes_without_a_word() -> None:
    verdict = check(GOOD)
    assert verdict.passed
    assert verdict.gate == "parse"
    assert verdict.findings == ()


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("class Model(nn.Module)\n    pass", "syntax", 1),
        ("x = 1\ndef f(:\n", "syntax", 2),
        ("x = '\0'", "syntax", 1),
        ("", "no-model", None),
        ("Model = 3", "no-model", None),
        (model() + "\nclass Model(nn.Module):\n    pass\n", "model-twice", 9),
        (model(bases=""), "model-not-a-module", 4),
        (model("    def __init__(self, width):\n        pass"), "argument-without-default", 5),
        (model("    def __init__(self, a=1, *, width):\n        pass"), "argument-without-default", 5),
        (model(before="class Base(nn.Module):\n    def __init__(self, w):\n        pass\n", bases="Base"),
         "argument-without-default", 4),
        ("from torch import nn\nclass Model(nn.Module):\n    pass", "no-forward", 2),
        (model("    def forward(self):\n        return 1"), "forward-arguments", 5),
        (model("    def forward(self, x, mask):\n        return x"), "forward-arguments", 5),
        (model(before="import os"), "import-not-allowed", 3),
        (model(before="import numpy as np"), "import-not-allowed", 3),
        (model(before="from os import path"), "import-not-allowed", 3),
        (model(before="from . import other"), "import-not-allowed", 3),
        (model(before="import torch.hub"), "import-not-allowed", 3),
        (model(before="from torch import hub"), "import-not-allowed", 3),
        (model("    def forward(self, x):\n        import sys\n        return x"), "import-not-allowed", 6),
        (model("    def forward(self, x):\n        return eval('x')"), "call-not-allowed", 6),
        (model("    def forward(self, x):\n        open('f')\n        return x"), "call-not-allowed", 6),
        (model("    def forward(self, x):\n        return __import__('os')"), "call-not-allowed", 6),
        (model("    def forward(self, x):\n        return ().__class__.__subclasses__()"), "reach-not-allowed", 6),
        (model("    def forward(self, x):\n        return self.forward.__globals__"), "reach-not-allowed", 6),
        (model("    def forward(self, x):\n        return __builtins__"), "reach-not-allowed", 6),
        (model("    def forward(self, x):\n        return torch._sys.path"), "reach-not-allowed", 6),
        (model("    def forward(self, x):\n        return torch.load('f')"), "reach-not-allowed", 6),
        (model("    def forward(self, x):\n        return torch.hub.load('a', 'b')"), "reach-not-allowed", 6),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_line(source: str, code: str, line: int | None) -> None:
    verdict = check(source)
    assert not verdict.passed
    assert [(finding.code, finding.line) for finding in verdict.findings] == [(code, line)]


@pytest.mark.parametrize(
    "body",
    [
        "    def __init__(self, *args, **kwargs):\n        super().__init__()",
        "    def forward(self, *inputs):\n        return inputs[0]",
        "    def forward(self, x, mask=None):\n        return x",
        "    def train(self, mode=True):\n        return super().train(mode).eval()",
        "    def kind(self):\n        return self.__class__.__name__, self.os",
    ],
)
def test_what_only_looks_like_a_fault_passes(body: str) -> None:
    assert check(model(body)).findings == ()


def test_a_forward_may_come_from_a_base() -> None:
    near = model(before="class Base(nn.Module):\n    def forward(self, x):\n        return x\n", bases="Base")
    near = near.rpartition("    def forward")[0] + "    pass"
    far = "from torch import nn\nclass Base(nn.Sequential):\n    pass\nclass Model(Base):\n    pass"
    assert check(near).findings == ()
    assert check(far).findings == ()


def test_a_class_that_is_its_own_base_does_not_hang() -> None:
    assert [finding.code for finding in check("class Model(Model):\n    pass").findings] == ["no-forward"]


def test_code_that_runs_on_import_is_a_warning_only() -> None:
    verdict = check(model() + "\nprint('hello')\nfor step in range(3):\n    pass\n")
    assert verdict.passed
    assert [(finding.code, finding.severity) for finding in verdict.findings] == [("top-level-code", "warning")] * 2


@pytest.mark.parametrize(
    "source",
    [
        "x" * (LARGEST + 1),
        "(" * 5000 + ")" * 5000,
        "x = " + "-" * 5000 + "1",
        "x = " + "1+" * 20000 + "1",
        "x" + ".a" * 20000,
        "class Model(x" + ".a" * 600 + "):\n    pass",
        "x = '\ud800'",
        "\x7fELF\x02\x01\x01",
    ],
    ids=["large", "brackets", "signs", "sum", "attributes", "deep base", "surrogate", "binary"],
)
def test_junk_is_a_finding_never_an_exception(source: str) -> None:
    assert not check(source).passed


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(source: str) -> None:
    assert not check(source).passed  # no text this short is a network


def test_python_s_own_warnings_are_no_verdict() -> None:
    assert check(model(before="pattern = '\\d'")).passed


@pytest.mark.parametrize("part", ["core", "llm", "workflows"])
def test_any_source_of_this_project_is_read(part: str) -> None:
    for path in (Path(__file__).parents[3] / "neuromosaic" / part).rglob("*.py"):
        assert not any(finding.code == "syntax" for finding in check(path.read_text()).findings)
