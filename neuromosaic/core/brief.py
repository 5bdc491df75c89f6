"""What is wanted: task, data, contract, constraints, budget, seed."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal[
    "classification",
    "multi_label",
    "regression",
    "language_modelling",
    "sequence_labelling",
    "segmentation",
    "forecasting",
    "node_classification",
    "generation",
    "metric_learning",
]
Generative = Literal["autoencoder", "flow", "diffusion", "gan", "autoregressive"]
"""How a generative network makes examples."""
Step = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
Device = Literal["auto", "cpu", "cuda", "mps"]


class Value(BaseModel):
    """Base of every value object: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSpec(Value):
    """One tensor that a network accepts or returns.

    `shape` leaves out the batch axis, which is always the first and free.
    `upper` (int64 only): values are ids in [0, upper).
    """

    shape: tuple[Annotated[int, Field(ge=1)], ...]
    dtype: Literal["float32", "int64", "bool"] = "float32"
    upper: int | None = None


class Contract(Value):
    """What a network must accept and return: the part of a brief that tests are written from.

    Inputs of the kind "graph" are [nodes, features + nodes]: each node's features, then its row of the adjacency.

    Outputs are raw scores (logits, or values in the scaled units of the targets), float32:
    `classification` [batch, classes]; `multi_label` [batch, labels], above 0 for those that apply;
    `regression` [batch, targets];
    `language_modelling` [batch, time, vocabulary] for int64 ids [batch, time], causal;
    `forecasting` [batch, horizon], the next values of the first feature;
    `node_classification` [batch, nodes, classes]; `sequence_labelling` [batch, time, classes];
    `segmentation` [batch, classes, height, width].

    `metric_learning` [batch, dimensions], embeddings whose angles say how alike two examples are;

    `generation` learns the inputs themselves: `forward` returns a dict with `loss` (a scalar, which training
    minimises), its parts (scalars by name), and `output` of the input's shape; `sample(n)` draws. What else it has
    depends on how it makes examples (`generative`). An "autoencoder" and a "flow": `encode` gives the code float32
    [batch, latent] of examples, `decode` an example for each code, and `sample` decodes standard normal draws. Of an
    autoencoder `output` is each example as it comes back from its code. A flow's codes are as large as an example,
    `decode` undoes `encode`, `output` is the codes in the shape of examples, and `loss` the mean negative
    log-likelihood in nats for each value. A "diffusion": `denoise(noisy, level)` gives the example that is to be
    expected behind noisy = sqrt(1 - level) * example + sqrt(level) * normal noise, level float32 [batch] between 0
    and 1; in eval mode `output` is denoise(sqrt(1/2) * example, 1/2). A "gan" is a pair trained in turn: `decode`
    gives an example for each code, and `sample` decodes standard normal draws; the parameters of its part
    `discriminator` follow the scalar `discriminator_loss`, all others `loss`; in eval mode, where nothing is drawn,
    `output` is decode of each example's first values.
    An "autoregressive": `conditionals(x)` gives float32 [batch, 3, components, ...], for each value of an example the
    logits, means and logarithms of the widths of a mixture of normal distributions, which hang on nothing but the
    values before it: in an image row by row, each pixel's channels one after another, else from first to last;
    `output` is the means of these mixtures, and `loss` the mean negative log-likelihood in nats for each value.
    `latent`: the numbers of a code; None where there are none.
    """

    task: Task
    input: TensorSpec
    output: TensorSpec
    kind: Literal["image", "tabular", "sequence", "text", "graph"]
    latent: int | None = None
    generative: Generative | None = None


class Constraints(Value):
    """Limits that a winner must meet. None: not limited.

    `parameters` counts trainable ones; `flops` are of one forward pass of one example;
    `latency_ms` is the median for a batch of `latency_batch` on the brief's device;
    `memory_mb` (MB = 10^6 bytes) is the peak of one such forward pass, weights included;
    `metrics` holds a bound per metric name ("accuracy": 0.95), at least or at most by the metric's direction.
    """

    parameters: int | None = Field(None, ge=0)
    flops: float | None = Field(None, ge=0)
    latency_ms: float | None = Field(None, ge=0)
    latency_batch: int = Field(1, ge=1)
    memory_mb: float | None = Field(None, ge=0)
    metrics: dict[str, float] = Field(default_factory=dict)


class Budget(Value):
    """What may be spent. Trials count trainings of the search; the random-search baseline gets as many again.

    With `trials` alone a run is repeatable bit for bit; with `seconds` it ends in time.
    """

    trials: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    cost_usd: float | None = Field(None, ge=0)


class Brief(Value):
    """What the engineer asks for. Fields left None are taken from the data, and that is said."""

    sentence: str = ""
    task: Task | None = None
    data: str | None = None
    target: str | None = None
    group: str | None = None
    time: str | None = None
    input: TensorSpec | None = None
    output: TensorSpec | None = None
    step: Step | None = Field(
        None, description="of a forecast: the time that each step of `input` and `output` stands for"
    )
    latent: int | None = Field(None, ge=1, description="of a generative network: the numbers of a code")
    generative: Generative | None = Field(None, description="how a generative network makes examples")
    loss: str | None = Field(None, description="a loss of the engineer's own, as path.py:Class; usual: the task's")
    constraints: Constraints = Constraints()
    budget: Budget = Budget()
    device: Device = "auto"
    seed: int = Field(0, ge=0)
    hints: str = Field("", description="wishes that no other field holds: passed to the roles as data")
