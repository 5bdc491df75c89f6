"""Runs a pytest suite in this process and says what came of each test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from neuromosaic.core.protocols import SuiteOutcome
from neuromosaic.core.workers.source import FILE as MODEL_FILE
from neuromosaic.core.workers.source import line_of

if TYPE_CHECKING:
    import pytest

FILE: Final = "test_model.py"
MAX_MESSAGE: Final = 300
COLLECTION: Final = "collection"

Outcome = Literal["passed", "failed", "skipped", "error"]


def run_suite(suite: str, folder: Path) -> SuiteOutcome:
    """What the tests of `suite` say of the module `model` as it can be imported here.

    Written to `folder`/test_model.py; runs without plugins, configuration or cache of anybody else.
    """
    import pytest

    (folder / FILE).write_text(suite, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n")
    collector = _Collector(folder)
    arguments = [
        "--import-mode=importlib",
        "--capture=sys",
        "--tb=native",
        "-qq",
        "--noconftest",
        "-c",
        str(folder / "pytest.ini"),
    ]
    without = [
        part for name in ("cacheprovider", "faulthandler", "doctest", "junitxml") for part in ("-p", f"no:{name}")
    ]
    pytest.main([*arguments, *without, str(folder / FILE)], plugins=[collector])
    return collector.outcome()


def uncollected(why: str) -> SuiteOutcome:
    """The outcome of a suite that came to no test."""
    return SuiteOutcome({COLLECTION: "error"}, {COLLECTION: why[:MAX_MESSAGE]})


class _Collector:
    """A pytest plugin that keeps outcomes and the first words of what went wrong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outcomes: dict[str, Outcome] = {}
        self._messages: dict[str, str] = {}
        self._uncollected: str | None = None

    def outcome(self) -> SuiteOutcome:
        if self._uncollected is not None:
            return uncollected(self._uncollected)
        if not self._outcomes:
            return uncollected(f"{FILE} holds no test")
        return SuiteOutcome(self._outcomes, self._messages)

    def pytest_collectreport(self, report: "pytest.CollectReport") -> None:
        if report.failed and self._uncollected is None:
            self._uncollected = f"{FILE} cannot be collected"

    def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
        name = _name(report.nodeid)
        if report.when == "call" or report.skipped:
            self._outcomes[name] = report.outcome
        elif report.failed:
            self._outcomes[name] = "error"
        if report.skipped and isinstance(report.longrepr, tuple):
            self._messages[name] = str(report.longrepr[2])[:MAX_MESSAGE]

    def pytest_exception_interact(self, node: Any, call: "pytest.CallInfo[Any]", report: Any) -> None:
        """Called for each failure, in a test or in the collection."""
        assert call.excinfo is not None
        message = self._describe(call.excinfo.value)
        if report.when == "collect":
            self._uncollected = message
        else:
            self._messages[_name(report.nodeid)] = message

    def _describe(self, error: BaseException) -> str:
        """Where it happened, its type and the first words of its message, on one line."""
        cause = error.__cause__ or error  # pytest wraps what an import raises
        lines = {name: line_of(cause, self._folder / name) for name in (FILE, MODEL_FILE)}
        if isinstance(cause, SyntaxError) and cause.filename in {str(self._folder / name) for name in lines}:
            lines[Path(cause.filename).name] = cause.lineno
        where = ", ".join(f"{name} line {line}" for name, line in lines.items() if line)
        text = f"{type(cause).__name__}: {' '.join(str(cause).split())}"
        return f"{where}: {text}"[:MAX_MESSAGE] if where else text[:MAX_MESSAGE]


def _name(nodeid: str) -> str:
    """ "TestShapes::test_batch[3]" of "test_model.py::TestShapes::test_batch[3]"."""
    return nodeid.partition("::")[2] or nodeid
