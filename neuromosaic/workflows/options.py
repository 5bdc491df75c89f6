"""How a run is to be carried out, as opposed to what is wanted."""

from pydantic import Field

from neuromosaic.core.brief import Value
from neuromosaic.core.evaluation.recipe import WantedPrecision
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.delivery.extended import Extended


class Extension(Value):
    """The network to start from: its `source`, the class `entry` there, its trained `weights` (artifact) if any.

    `file`: the file as it was read, for changing it in place.
    `libraries`: installed modules besides PyTorch that it is built by.
    """

    source: str
    entry: str
    weights: str | None = None
    file: Extended | None = None
    libraries: tuple[str, ...] = ()


class Options(Value):
    """Stored with the run, so that a resumed one goes on in the same way.

    `models`: names of model clients in order of preference (later ones are fallbacks); `role_models` overrides them
    per role ("Trainer"), for one of its purposes ("NetworkArchitect.repair"), or for a purpose of any role
    ("repair"). `calls`, `tokens`, `model_seconds` and `at_once` limit what one process asks of models. `approved`:
    the brief needs no person's approval. `folder`: where the result is delivered. `agents`: folder with the user's
    own role files. `repository`: the user's own, for a pull request. `boundary`: the least that may stand around
    proposed code. `extend`: what ModelArchitect extends; without it NetworkArchitect designs anew. `strategy`: by
    which the families are searched, a name of `strategy_names()`. `compress`: smaller networks are made from the
    finalists, by pruning, by teaching and in fewer bits, and certified beside them. `precision` of the products in
    training, "auto" for what is measured to be the fastest; None: "auto" on an accelerator, "float32" on a CPU.
    """

    models: tuple[str, ...] = ("offline",)
    role_models: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    api_base: str | None = None
    calls: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)
    model_seconds: float | None = Field(None, ge=0)
    at_once: int | None = Field(None, ge=1)
    approved: bool = False
    folder: str | None = None
    agents: str | None = None
    repository: str | None = None
    boundary: Accepted = "auto"
    extend: Extension | None = None
    strategy: str = "auto"
    compress: bool = False
    precision: WantedPrecision | None = None
