"""`results.json`: the contract that scripts read."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from neuromosaic.core.brief import Brief

Status = Literal["met", "not met", "stopped"]
Numbers = Literal["float32", "int8", "bf16"]


class Latency(BaseModel):
    """Milliseconds for one forward pass of `batch` examples."""

    p50: float
    p95: float
    batch: int
    threads: int


class CandidateResult(BaseModel):
    """One certified candidate. `metrics` keys are "val_" or "test_" + the metric's name.

    `evidence` maps the dotted path of a figure in this object ("metrics.test_accuracy") to an evidence id.
    `numbers`: what its weights are; other than float32 it was `made_from` another candidate, of which it has the
    parameters, FLOPs and memory, and its latency is the other's times what a race of both told.
    """

    id: str
    name: str
    designed_by: str
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    parameters: int
    flops: float
    latency_ms: Latency
    peak_memory_mb: float
    device: str
    lane: Literal["graph", "python"]
    boundary: str
    evidence: dict[str, str] = Field(default_factory=dict)
    values: dict[str, Any] = Field(default_factory=dict, description="constructor arguments")
    numbers: Numbers = "float32"
    made_from: str | None = None
    weights_bytes: int | None = Field(None, description="of all tensors; None: never counted")
    coverage: float | None = Field(None, description="share of model.py that its tests come through, 0 to 1")


class ConstraintResult(BaseModel):
    """`value` None: never measured. `limit` is an upper one except for metrics where more is better."""

    name: str
    limit: float
    value: float | None
    met: bool


class SignalResult(BaseModel):
    """What a cheap signal was worth: its Spearman with the validation metric of `trials`, and the interval of 95%.

    `correlation` None: it was constant, or there was nothing to compare. `used` where the interval leaves out 0;
    else the signal is dropped, for what it says may be chance.
    """

    name: str
    correlation: float | None
    interval: tuple[float, float]
    trials: int
    used: bool


class LossPair(BaseModel):
    """One network's validation metric, with the usual loss and with the proposed one; None: came to nothing."""

    name: str
    usual: float | None
    proposed: float | None


class LossResult(BaseModel):
    """What a loss that `by` proposed was worth beside the usual one, in short trainings of the same networks.

    `gain` in the validation metric on average, more is better whichever way the metric goes; None where no network
    came to anything with both. `won`: the run's networks were trained with the proposed one. No `pairs`: never tried.
    """

    by: str
    usual: str
    metric: str
    pairs: list[LossPair]
    gain: float | None
    won: bool


class Results(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    run: str
    status: Status
    seed: int
    brief: Brief
    models: dict[str, str]
    winner: CandidateResult | None
    pareto: list[CandidateResult]
    nearest: CandidateResult | None = None
    baselines: dict[str, Any]
    constraints: list[ConstraintResult]
    environment: dict[str, Any]
    metric: str = Field("", description="what candidates are ranked by")
    recipe: dict[str, Any] = Field(default_factory=dict, description="how the candidates were trained")
    compress: bool = Field(
        False, description="whether smaller networks were made from the finalists, also in fewer bits"
    )
    signals: list[SignalResult] = Field(default_factory=list, description="none where trials were too few to tell")
    loss: LossResult | None = Field(None, description="of a loss that was proposed; None where none passed its gates")
