"""What the roles are told: typed, condensed, and nothing of the test split."""

from typing import Literal

from pydantic import Field

from neuromosaic.core.brief import Brief, Contract, Value
from neuromosaic.core.evaluation.recipe import Loss
from neuromosaic.core.proposals import Seat
from neuromosaic.core.space.parameters import Point, Space


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
    kind: Literal["image", "tabular", "sequence", "text", "graph"]
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
    """The machine as measured. `gflops`: float32 matrix product on one thread (or the accelerator). `devices`: how
    many accelerators of that kind there are; trainings run one on each."""

    device: str
    name: str
    cores: int
    memory_gb: float
    gflops: float
    devices: int = 1


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


class Remark(Value):
    """One piece of advice, and `by` whom."""

    by: str
    text: str


class Inputs(Value):
    """What every role is told; `advice` of the user's own roles, if there are any."""

    brief: Brief
    contract: Contract
    data: DataSummary
    advice: tuple[Remark, ...] = ()


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
    own: bool = Field(
        False, description="a network of the engineer's is extended, whose switches may change the contract"
    )


class FamilyInputs(Inputs):
    """`slot` of `slots` proposals asked for at once: each should differ from the others.

    `loss`: the usual one, where another may be proposed to be tried beside it; None where none may.
    """

    hardware: Hardware
    slot: int
    slots: int
    round: int = 0
    history: tuple[Trace, ...] = ()
    suite: str = Field("", description="the test suite that the family must pass")
    previous: str | None = Field(None, description="the source that `findings` are about")
    findings: tuple[Finding, ...] = ()
    loss: Loss | None = None


class LossInputs(Inputs):
    """`previous` is the source of a loss, refused for `findings`; `loss`: the usual one, beside which it is tried."""

    loss: Loss
    previous: str
    findings: tuple[Finding, ...]


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


class AdviceInputs(Inputs):
    """`advised`: the seat that the remarks go to, in `round` (from 0) of the search, before which `history` was."""

    advised: Seat
    hardware: Hardware
    round: int = 0
    history: tuple[Trace, ...] = ()


class Tried(Value):
    """A point and its figures; none where its trial failed."""

    point: Point
    figures: dict[str, float] = Field(default_factory=dict)


class PointInputs(Value):
    """A search, by what is known of it: the space, what it is after, and the trials in condensed form.

    `constraints` on points as text, `rules` that are functions by their names. `aims`: metric to "max" or "min";
    `limits` on metrics as text. Of `trials` ended, `failed` gave no figures; `best`, best first, and the
    `latest` of the others are told. `pending`: in flight. `number` of the trial that is wanted.
    """

    parameters: Space
    constraints: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    aims: dict[str, str]
    limits: tuple[str, ...] = ()
    number: int
    trials: int
    failed: int = 0
    best: tuple[Tried, ...] = ()
    latest: tuple[Tried, ...] = ()
    pending: tuple[Point, ...] = ()
