"""What a delivery is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.results import Results
from neuromosaic.core.role_inputs import DataSummary, Hardware
from neuromosaic.delivery.extended import Extended
from neuromosaic.delivery.history import History

if TYPE_CHECKING:
    from numpy.typing import NDArray

Curve = Sequence[Mapping[str, float]]
"""One row per epoch: "epoch", "train_loss", "loss" (validation) and the primary metric (validation)."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What the delivered network said on the test split, and what was right.

    classification: scores [n, classes], int64 [n]; multi_label: scores and 0 or 1 [n, labels]; regression and
    forecasting: [n, targets] twice, in the user's units; sequence_labelling: scores [n, time, classes], int64
    [n, time]; segmentation: scores [n, classes, height, width], int64 [n, height, width]; language_modelling: scores
    [n, time, vocabulary], int64 [n, time]; generation: what came back, where anything does, a draw and more
    [n, parts, ...], the examples [n, ...], both standardised; metric_learning: embeddings [n, dimensions], int64 [n].
    """

    outputs: NDArray[Any] = field(repr=False)
    targets: NDArray[Any] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Delivery:
    """A finished run, ready to be handed over.

    `model_source` has the values of the winner (or the nearest) as defaults; `suite_source` is what it passed;
    `unchanged_source` tests it against the network that it was built on, where there is one;
    `weights` by state_dict name; `preprocessing` is the JSON of `Preprocessing`. `curves` by candidate id.
    `mutants`: rows {"kind", "description", "fate", "killed_by"}; `tests`: outcome per test of the suite on the
    delivered network; `evidence`: what is stored under each evidence id; `graph` of the network, None in the python
    lane; `extends`: the user's file that the run started from; `variants`: files of networks with weights of fewer
    bits, by name; `loss_source`: the loss that it was trained with, of the user's own or a role's; else empty.
    """

    results: Results
    model_source: str
    suite_source: str
    weights: Mapping[str, TensorData] = field(repr=False)
    preprocessing: str
    data: DataSummary
    hardware: Hardware
    data_hash: str = ""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    predictions: Predictions | None = None
    history: History = field(default_factory=History)
    mutants: Sequence[Mapping[str, Any]] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    graph: Graph | None = field(default=None, repr=False)
    notes: Sequence[str] = ()
    extends: Extended | None = None
    unchanged_source: str = ""
    variants: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    loss_source: str = ""
