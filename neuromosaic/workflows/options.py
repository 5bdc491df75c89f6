"""How a run is to be carried out, as opposed to what is wanted."""

from pydantic import Field

from neuromosaic.core.brief import Value
from neuromosaic.core.workers.boundary import Accepted


class Options(Value):
    """Stored with the run, so that a resumed one goes on in the same way.

    `models`: names of model clients in order of preference (later ones are fallbacks); `role_models` overrides them
    per role. `approved`: the brief needs no person's approval. `folder`: where the result is delivered.
    `agents`: folder with the user's own role files. `boundary`: the least that may stand around proposed code.
    """

    models: tuple[str, ...] = ("offline",)
    role_models: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    api_base: str | None = None
    approved: bool = False
    folder: str | None = None
    agents: str | None = None
    boundary: Accepted = "auto"
