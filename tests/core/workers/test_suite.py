"""A suite's outcome says of each test what came of it, in a few words."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from torch import nn

from neuromosaic.core.protocols import SuiteOutcome
from neuromosaic.core.workers.suite import run_suite

SUITE = """\
import pytest
from model import Model


@pytest.fixture
def broken():
    raise RuntimeError("fixture")


@pytest.fixture
def unclean():
    yield
    raise RuntimeError("teardown")


class TestModel:
    @pytest.mark.parametrize("n", [1, 2])
    def test_parameter(self, n):
        print("printed")
        assert n == 1, "n is not one\\nbut another number"


def test_builds():
    assert Model(3, 2) is not None


def test_broken(broken):
    pass


def test_unclean(unclean):
    pass


def test_skipped():
    pytest.skip("no need")


@pytest.mark.skip(reason="not now")
def test_skipped_before():
    pass


def test_exits():
    raise SystemExit(3)


@pytest.mark.xfail
def test_known():
    assert False


def test_long():
    raise ValueError("x" * 5000)
"""


@pytest.fixture(autouse=True)
def model() -> Iterator[None]:
    module = ModuleType("model")
    module.Model = nn.Linear  # type: ignore[attr-defined]
    sys.modules["model"] = module
    sys.modules.pop("test_model", None)  # in process, another test's suite may have left its own
    yield
    del sys.modules["model"]
    sys.modules.pop("test_model", None)


def test_each_test_has_an_outcome_and_each_failure_a_message(tmp_path: Path) -> None:
    outcome = run_suite(SUITE, tmp_path)
    assert outcome.outcomes == {
        "TestModel::test_parameter[1]": "passed", "TestModel::test_parameter[2]": "failed", "test_builds": "passed",
        "test_broken": "error", "test_unclean": "error", "test_skipped": "skipped", "test_skipped_before": "skipped",
        "test_exits": "failed", "test_known": "skipped", "test_long": "failed",
    }  # fmt: skip
    failed = outcome.messages["TestModel::test_parameter[2]"]
    assert failed.startswith("test_model.py line 20: AssertionError: n is not one but another number")
    assert "teardown" in outcome.messages["test_unclean"]
    assert "fixture" in outcome.messages["test_broken"]
    assert outcome.messages["test_skipped"] == "Skipped: no need"
    assert "test_builds" not in outcome.messages
    assert max(map(len, outcome.messages.values())) <= 300
    assert not outcome.green


def test_a_suite_that_passes_is_green(tmp_path: Path) -> None:
    assert run_suite("from model import Model\ndef test_it(): assert Model(2, 2)\n", tmp_path) == SuiteOutcome(
        {"test_it": "passed"}
    )


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ("def test_it(:\n", "test_model.py line 1: SyntaxError"),
        ("from model import Model\nimport nonesuch\ndef test_it(): pass\n", "test_model.py line 2: ModuleNotFound"),
        ("x = [][0]\ndef test_it(): pass\n", "test_model.py line 1: IndexError"),
        ("import pytest\npytest.skip(allow_module_level=True)\n", "holds no test"),
        ("y = 1\n", "holds no test"),
        ("from model import Model\ndef test_it(nonesuch): pass\n", None),
    ],
)
def test_a_suite_that_comes_to_no_test_says_why(tmp_path: Path, suite: str, words: str | None) -> None:
    outcome = run_suite(suite, tmp_path)
    assert not outcome.green
    if words is None:
        assert outcome.outcomes == {"test_it": "error"}
        assert "nonesuch" in outcome.messages["test_it"]
    else:
        assert outcome.outcomes == {"collection": "error"}
        assert words in outcome.messages["collection"]


def test_nobody_elses_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonesuch\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    assert run_suite("def test_it(): pass\n", inner).green


def test_a_conftest_that_a_candidate_left_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("def pytest_pyfunc_call(pyfuncitem):\n    return True\n")
    assert not run_suite("def test_a():\n    assert False\n", tmp_path).green
