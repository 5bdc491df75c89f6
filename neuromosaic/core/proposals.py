"""The typed requests to the roles and their typed replies."""

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from neuromosaic.core.brief import Brief, Contract, Value
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.recipe import Loss, Recipe
from neuromosaic.core.space.parameters import Point, Space, parse_space
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.syntax import parse

RoleName = Literal["TestArchitect", "NetworkArchitect", "ModelArchitect", "Trainer", "Compute", "Metrics"]

# ---------------------------------------------------------------- what the roles are told


class Finding(Value):
    """One attributable fault: `gate` that found it, `code` (stable, kebab-case), where, and what to do.

    `layer` is a module path, `shape` that of the tensor at fault, `line` one of the source; None where unknown.
    `severity` "error" stops the candidate; "warning" is told and stops nothing.
    """

    gate: str
    code: str
    message: str
    layer: str | None = None
    shape: tuple[int, ...] | None = None
    line: int | None = None
    severity: Literal["error", "warning"] = "error"


class DataSummary(Value):
    """What the roles may know of the data: no example, no test split."""

    name: str
    kind: Literal["image", "tabular", "sequence", "text"]
    train: int
    validation: int
    test: int
    classes: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def imbalance(self) -> float:
        """Largest class over smallest, in training examples; 1.0 without classes."""
        return max(self.class_counts) / max(1, min(self.class_counts)) if self.class_counts else 1.0


class Hardware(Value):
    """The machine as measured. `gflops`: float32 matrix product on one thread (or the accelerator)."""

    device: str
    name: str
    cores: int
    memory_gb: float
    gflops: float


class Repair(Value):
    """One try to mend a family: what was wrong, what was changed, what came of it ("accepted", or the next fault)."""

    problem: str
    change: str
    outcome: str


class Trace(Value):
    """What one family has come to so far: condensed history for the next proposal.

    `outcome`: "accepted" or "rejected"; `best` its best point so far and that point's `metrics`, on the validation
    split, with its number of "parameters" among them; `trials` it has had. `tokens` and `cost_usd` (None: not known)
    are what its designer's calls took, on average over the families by that designer. `repairs` in their order;
    `source` of its model.py, for whoever builds on it.
    """

    family: str
    designed_by: str
    outcome: Literal["accepted", "rejected"]
    rationale: str = ""
    best: Point = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    trials: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    repairs: tuple[Repair, ...] = ()
    source: str = ""


class FamilySketch(Value):
    """An accepted family in a line; `parameters` of its default point, None where that is not known."""

    name: str
    rationale: str = ""
    parameters: int | None = None


class Inputs(Value):
    """What every role is told."""

    brief: Brief
    contract: Contract
    data: DataSummary


class BriefInputs(Value):
    sentence: str
    known: Brief


class ComputeInputs(Inputs):
    hardware: Hardware


class MetricsInputs(Inputs):
    available: tuple[str, ...] = Field(description="metrics that fit the task")


class SuiteInputs(Inputs):
    """With `previous`, that suite is to be mended.

    Where it has faced mutants it was good enough for stubs and sound networks, and noticed `killed` of `mutants`,
    fewer than the `share` that is needed.
    """

    findings: tuple[Finding, ...] = Field((), description="what was wrong with the suite in `previous`")
    previous: str | None = None
    killed: int = 0
    mutants: int = 0
    share: float = 0.0


class FamilyInputs(Inputs):
    """`slot` of `slots` proposals asked for at once: each should differ from the others."""

    hardware: Hardware
    slot: int
    slots: int
    round: int = 0
    history: tuple[Trace, ...] = ()
    suite: str = Field("", description="the test suite that the family must pass")
    previous: str | None = Field(None, description="the source that `findings` are about")
    findings: tuple[Finding, ...] = ()


class ExtensionInputs(FamilyInputs):
    """As for a new family; `given` is the source of the network that is to be extended, `entry` its class there."""

    given: str
    entry: str


class RecipeInputs(Inputs):
    """`families` by name, and as `sketches` where they are known; each of `trials` trains at `fidelity`.

    `seconds_per_epoch` of the measured families, on one worker; `seconds` for one full training. None: not known,
    or no limit.
    """

    hardware: Hardware
    families: tuple[str, ...]
    loss: Loss
    seconds_per_epoch: float | None = None
    seconds: float | None = None
    sketches: tuple[FamilySketch, ...] = ()
    trials: int | None = None
    fidelity: float | None = None


class JudgementInputs(Inputs):
    """`best` and `baseline`: the primary `metric` on the validation split, of search and random search, each after
    `trials` trainings at `fidelity`. `figures` of the best candidate by the constraints' names. None: not measured.
    """

    round: int
    rounds: int
    history: tuple[Trace, ...]
    unmet: tuple[str, ...] = Field((), description="constraints that the best candidate misses, in words")
    beats_baseline: bool | None = None
    metric: str = ""
    best: float | None = None
    baseline: float | None = None
    figures: dict[str, float] = Field(default_factory=dict)
    trials: int = 0
    trials_left: int | None = None
    fidelity: float | None = None


# ---------------------------------------------------------------- what they answer


class BriefDraft(Value):
    """The brief as understood, what was left unread, and questions that only the person can answer."""

    brief: Brief
    not_understood: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


class Envelope(Value):
    """How the budget is laid out.

    `workers` trainings at once, one thread each on a CPU; `trials` of the search over all `rounds` (at most;
    a time budget may end it earlier), each at `fidelity`; then `finalists` are trained in full.
    """

    workers: int = Field(1, ge=1, le=64)
    families: int = Field(3, ge=1, le=16)
    rounds: int = Field(2, ge=1, le=100)
    trials: int = Field(12, ge=1)
    fidelity: float = Field(0.3, gt=0, le=1)
    finalists: int = Field(2, ge=1, le=32)
    reason: str = ""


class MetricsPlan(Value):
    """`primary` ranks the candidates; `report` are measured besides."""

    loss: Loss
    primary: str
    report: tuple[str, ...] = ()
    weighted_loss: bool = False
    reason: str = ""


class RecipeProposal(Value):
    """Recipes worth trying, best guess first."""

    recipes: tuple[Recipe, ...] = Field(min_length=1, max_length=4)
    reason: str = ""


class Judgement(Value):
    """Another round, or certify what there is."""

    decision: Literal["continue", "certify"]
    reason: str = ""


class SuiteProposal(Value):
    """A pytest module that imports `Model` from `model`, by a code reply."""

    files: ClassVar[Mapping[str, str]] = {"test_model.py": "python"}

    source: str

    @classmethod
    def from_files(cls, files: Mapping[str, str], prose: str) -> Self:
        """Raises ValueError where the code is no Python, imports no `Model` or holds no test."""
        return cls(source=files["test_model.py"])

    @field_validator("source")
    @classmethod
    def _is_suite(cls, source: str) -> str:
        names = [
            node.name for node in ast.walk(_parsed(source, "test_model.py")) if isinstance(node, ast.FunctionDef)
        ]
        if not any(name.startswith("test") for name in names):
            raise ValueError("test_model.py holds no function named test_...")
        if "import Model" not in source and "import model" not in source:
            raise ValueError("test_model.py must say `from model import Model`")
        return source


class FamilyProposal(Value):
    """A parametrised network: `source` with one class `Model`, and the space over its constructor's arguments.

    `constraints` are conditions as text that a point must meet, such as "depth * width <= 512".
    """

    files: ClassVar[Mapping[str, str]] = {"model.py": "python", "space.json": "json"}

    name: str = Field(min_length=1, max_length=60)
    source: str
    space: Space
    constraints: tuple[str, ...] = ()
    rationale: str = ""

    @classmethod
    def from_files(cls, files: Mapping[str, str], prose: str) -> Self:
        """`space.json`: {"name": ..., "parameters": {...}}, and "constraints" where wanted; `prose` is the rationale.

        Raises ValueError naming the file and the fault.
        """
        try:
            document = json.loads(files["space.json"])
        except json.JSONDecodeError as error:
            raise ValueError(f"space.json is not JSON: {error}") from None
        if not isinstance(document, dict) or set(document) - {"constraints"} != {"name", "parameters"}:
            raise ValueError(
                'space.json must be {"name": "...", "parameters": {...}}, with "constraints": [...] or not'
            )
        rationale = " ".join(prose.split())[:600]
        return cls(
            name=document["name"],
            source=files["model.py"],
            space=document["parameters"],
            constraints=document.get("constraints", ()),
            rationale=rationale,
        )

    @property
    def searched(self) -> SearchSpace:
        """The space under its constraints."""
        return SearchSpace(self.space, self.constraints)

    @field_validator("space", mode="before")
    @classmethod
    def _is_space(cls, document: Any) -> Space:
        return parse_space(document)

    @model_validator(mode="after")
    def _is_sound_space(self) -> Self:
        try:
            _ = self.searched
        except SpaceError as error:
            raise ValueError(f"space.json: {error}") from None
        return self

    @field_validator("source")
    @classmethod
    def _is_model(cls, source: str) -> str:
        tree = _parsed(source, "model.py")
        if not any(isinstance(node, ast.ClassDef) and node.name == "Model" for node in tree.body):
            raise ValueError("model.py must define one class named Model at its top level")
        return source


def _parsed(source: str, name: str) -> ast.Module:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{name} is not Python{line}: {getattr(error, 'msg', error)}") from None


# ---------------------------------------------------------------- the request itself

T = TypeVar("T", bound=BaseModel)


class Request(BaseModel, Generic[T]):
    """One question to one role.

    `purpose` names the prompt template within the role ("propose", "repair", ...). A `reply` type that has
    `files` and `from_files` wants fenced files back; any other type wants a decision. `check` names what is wrong
    with a reply beyond its type, in words that say what to mend: it counts as part of the type, so that a repair
    turn quotes it.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    role: RoleName
    purpose: str
    inputs: Value
    reply: type[T]
    check: Callable[[T], Sequence[str]] | None = Field(None, exclude=True, repr=False)

    @property
    def files(self) -> Mapping[str, str]:
        """File name to language of the fenced files wanted; empty for a decision."""
        return getattr(self.reply, "files", {})

    @property
    def originals(self) -> Mapping[str, str]:
        """The files that are to be mended, by name: `previous` of the inputs is the first of those wanted."""
        previous = getattr(self.inputs, "previous", None)
        return {next(iter(self.files)): previous} if self.files and previous else {}
