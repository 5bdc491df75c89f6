"""What the roles answer, typed, and the request that asks for it."""

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, Literal, NewType, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from neuromosaic.core.brief import Brief, Value
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.recipe import Loss, Recipe
from neuromosaic.core.space.parameters import Point, Space, parse_space
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.syntax import parse

Seat = Literal["TestArchitect", "NetworkArchitect", "ModelArchitect", "Trainer", "Compute", "Metrics"]
"""The roles that decide something."""
Adviser = NewType("Adviser", str)
"""A role of the user's own, by its name: it decides nothing, and advises those who do."""
RoleName = Seat | Adviser

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


LONGEST_LINE = 120
"""Of a line of code that is quoted, in characters."""


class Advice(Value):
    """What an adviser has to say to a seat; nothing where there is nothing to add."""

    remarks: tuple[Annotated[str, Field(min_length=1, max_length=400)], ...] = Field((), max_length=5)


class PointsProposal(Value):
    """Points worth trying next, the most promising first; those after the first stand in where it cannot be used."""

    points: tuple[Point, ...] = Field(min_length=1, max_length=8)
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

    `constraints` are conditions as text that a point must meet, such as "depth * width <= 512". `loss`: the source of
    a loss that its author would have tried beside the task's usual one, None where there is no reason for one; what
    it is worth is another matter than the family's, so that nothing is asked of it here.
    """

    files: ClassVar[Mapping[str, str]] = {"model.py": "python", "space.json": "json"}
    optional: ClassVar[Mapping[str, str]] = {"loss.py": "python"}

    name: str = Field(min_length=1, max_length=60)
    source: str
    space: Space
    constraints: tuple[str, ...] = ()
    rationale: str = ""
    loss: str | None = Field(None, repr=False)

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
            loss=files.get("loss.py"),
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


class LossProposal(Value):
    """A loss as an nn.Module named `Loss`, from (output, target) of a batch to one scalar."""

    files: ClassVar[Mapping[str, str]] = {"loss.py": "python"}

    source: str

    @classmethod
    def from_files(cls, files: Mapping[str, str], prose: str) -> Self:
        return cls(source=files["loss.py"])


def _parsed(source: str, name: str) -> ast.Module:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{name} is not Python{_place(error)}: {getattr(error, 'msg', error)}") from None


def _place(error: Exception) -> str:
    """The line at fault by number and as it stands: whoever wrote it counts no lines."""
    if not isinstance(error, SyntaxError):
        return ""
    text = "".join(filter(str.isprintable, (error.text or "").strip()[:LONGEST_LINE]))
    return f", line {error.lineno}" + (f" (`{text}`)" if text else "")


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
    def optional(self) -> Mapping[str, str]:
        """Likewise of the files that may come besides."""
        return getattr(self.reply, "optional", {})

    @property
    def originals(self) -> Mapping[str, str]:
        """The files that are to be mended, by name: `previous` of the inputs is the first of those wanted."""
        previous = getattr(self.inputs, "previous", None)
        return {next(iter(self.files)): previous} if self.files and previous else {}
