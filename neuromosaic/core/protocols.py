"""The seams of the core: each Protocol is all that one floor knows of the next."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from neuromosaic.core.graph.document import FileData, Graph, TensorData
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature

if TYPE_CHECKING:
    from neuromosaic.core.space.parameters import Point
    from neuromosaic.core.space.space import SearchSpace


@dataclass(frozen=True)
class Message:
    """What crosses a process boundary: a JSON object and named raw tensors, nothing else.

    `files`: tensors too large to be sent; a judge's worker gets their descriptors, nobody else gets any.
    """

    body: dict[str, Any]
    tensors: dict[str, TensorData] = field(default_factory=dict, repr=False)
    files: dict[str, FileData] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """Proposed Python: `entry(*arguments, **values)` of `source`, built after seeding with `seed`.

    `arguments`: None where the source's own `get_init_inputs()` is to say with what it is built.
    """

    source: str
    values: Mapping[str, Any]
    seed: int
    entry: str = "Model"
    arguments: tuple[Any, ...] | None = ()


@dataclass(frozen=True)
class Job:
    """One piece of work for a worker.

    `kind` names a function of `core.workers.jobs`: "inspect", "behave", "train", "predict", "measure", "test".
    `subject` is what it is done to: a graph in the judge, a program in the sandbox.
    `timeout` in seconds; past it the worker's whole process group is killed. `files`: tensors that the judge reads
    from the disk.
    """

    kind: str
    subject: Graph | Program
    arguments: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, TensorData] = field(default_factory=dict, repr=False)
    timeout: float = 60.0
    files: dict[str, FileData] = field(default_factory=dict)


Converse = Callable[[Message], Message]
"""The host's side of a job that reports as it goes: takes a report, returns the answer to it."""


@dataclass(frozen=True)
class Exported:
    """What the sandbox made of a program; none of it is believed before the judge has looked.

    `graph`: None where the program runs but cannot be exported, for the reason in `obstacle`. `findings`: what only
    the Python shows. `inputs` and `outputs`: what it was run on and returned in eval mode; both empty where that was
    too large to be done, and then `described` alone has the shapes ("shape", "dtype"). `cut`: whether the first axis
    of the inputs may have another size. `exhausted`: one pass took more memory than the sandbox gives.
    """

    graph: Graph | None
    obstacle: Finding | None = None
    findings: tuple[Finding, ...] = ()
    inputs: tuple[TensorData, ...] = field(default=(), repr=False)
    outputs: tuple[TensorData, ...] = field(default=(), repr=False)
    described: tuple[dict[str, Any], ...] = ()
    cut: bool = True
    exhausted: bool = False


@dataclass(frozen=True)
class SuiteOutcome:
    """What a test suite said of one subject: outcome per test name, and why each failure failed.

    `outcomes` values: "passed", "failed", "skipped", "error". A suite that cannot be collected has the one
    entry "collection": "error". Only the node names and the first lines of messages travel.
    """

    outcomes: dict[str, Literal["passed", "failed", "skipped", "error"]]
    messages: dict[str, str] = field(default_factory=dict)

    @property
    def green(self) -> bool:
        """At least one test passed and none failed or broke."""
        states = set(self.outcomes.values())
        return "passed" in states and not states & {"failed", "error"}


@dataclass(frozen=True)
class Verdict:
    """The outcome of one gate for one candidate; `figures` are what it measured on the way."""

    gate: str
    findings: tuple[Finding, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    milliseconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


class Sandbox(Protocol):
    """The only place where proposed Python runs. Processes only, no opinion.

    `boundary` names its level. `export` raises `CandidateError` where the program cannot be built or run,
    `WorkerError` for crash, time-out and memory.
    """

    @property
    def boundary(self) -> str: ...

    def export(self, program: Program, signature: Signature, timeout: float = 60.0) -> Exported: ...

    def test(self, suite: str, program: Program, timeout: float = 120.0) -> SuiteOutcome: ...

    def run(self, job: Job, converse: Converse | None = None) -> Message: ...

    def close(self) -> None: ...


class Judge(Protocol):
    """Workers that never ran proposed Python: they rebuild graphs and run what is scored.

    `warm_up` starts them before they are needed.

    `run` may be called from several threads; each call takes a free worker. Raises `WorkerError` with its cause,
    `CandidateError` where the subject itself raised.
    """

    def run(self, job: Job, converse: Converse | None = None) -> Message: ...

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class Gate(Protocol):
    """One deterministic check of the ladder."""

    name: str

    def check(self, subject: Graph | Program, worker: Judge | Sandbox) -> Verdict: ...


@runtime_checkable
class SearchStrategy(Protocol):
    """Proposes points, and learns from what became of them.

    `suggest` depends on the seed, the trial's number and the updates told so far alone, so that a resumed search,
    which tells them again, goes on as if nothing had happened. It may raise SearchExhausted. `update` gets the raw
    metrics, empty or NaN where the trial failed. Optional: where `update` takes a keyword `fidelity`, it is told at
    which level of the pruner's ladder the metrics were reached (None without one), and of a point again at each; of
    trials that report to a pruner what they had come to at their first, third, ninth ... report, with the step of it,
    and of those that were not stopped the end (None);
    `pending(points)` is told of the trials in flight before each suggestion; `prepare(space, evaluator)` is called
    before anything else, the evaluator being None where there is none; `fallbacks` counts how often a model failed
    and chance was taken instead.
    """

    def suggest(self, space: "SearchSpace", trial_number: int) -> "Point": ...

    def update(self, architecture: "Point", metrics: Mapping[str, float]) -> None: ...


class EarlyStopping(Protocol):
    """Stops trials. `history` holds the metrics per step of every earlier trial, by trial id."""

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool: ...


class BaseExecutor(Protocol):
    """Runs trials somewhere; results stream back as they finish, each with its config.

    `configs` may be an iterator that grows: one that had nothing is asked again after every result. Where a trial
    gave no result, a `core.execution.failure.Failure` stands in its place.
    """

    def execute_trials(self, trial_fn: Callable[[Any], Any], configs: Iterable[Any]) -> Iterator[tuple[Any, Any]]: ...

    def shutdown(self) -> None: ...
