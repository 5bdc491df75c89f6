"""The search strategy "llm": NetworkArchitect is asked for the next point, with what the trials so far taught."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuromosaic.core.errors import ReplyError, SpaceError, SpendingLimitError
from neuromosaic.core.proposals import PointsProposal, Request
from neuromosaic.core.role_inputs import PointInputs, Tried
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import register_strategy
from neuromosaic.core.search.strategies.evolution import AtLeastOne
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.constraints import FunctionConstraint, TextConstraint
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.llm.protocols import ModelClient

BEST, LATEST = 8, 6
"""So many of the best trials are told, and of the latest others: a request stays short however long a search is."""
DIGITS = 6


class LLMSearch:
    """A language model proposes the points (Zhang et al., 2023, "Using large language models for hyperparameter
    optimization", arXiv:2312.04528), after `n_initial_random` even draws.

    `model`: a name as for --model, or several, later ones as fallbacks ("offline": the built-in designer, which moves
    from the best); `api_base`: of an OpenAI-compatible server; `replies`: a store's folder, whose replies are not
    asked for again; or `client`: any model client. Of the points that it proposes the first that is new and inside
    the space is taken. Where there is none, also after a repair turn that quotes what was wrong, or where the limits
    on spending are reached, the point is drawn evenly: `fallbacks` counts these. Raises UsageError for a model's name
    that cannot be read, and ModelUnavailableError or ModelRefusedError where a model cannot be asked: a person must
    mend that, and the search can be resumed.
    """

    name = "llm"

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        model: str | list[str] = "offline",
        api_base: str | None = None,
        replies: str | None = None,
        client: Any = None,
        n_initial_random: AtLeastOne = 4,
    ) -> None:
        self._seed, self._objectives, self._initial = seed, objectives, n_initial_random
        self._client = client_of(client, [model] if isinstance(model, str) else model, api_base, replies)
        self._memory = Memory()
        self.fallbacks = 0

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        draw = random.Random(f"{self._seed}/llm/{trial_number}")
        if len(self._memory) < self._initial:
            return self._memory.fresh(space, draw)
        try:
            return self._proposed(space, trial_number)
        except (ReplyError, SpendingLimitError):
            self.fallbacks += 1
            return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _proposed(self, space: SearchSpace, trial_number: int) -> Point:
        from neuromosaic.agents.asking import ask

        request = Request[PointsProposal](
            role="NetworkArchitect", purpose="points", inputs=self._inputs(space, trial_number),
            reply=PointsProposal, check=lambda reply: self._faults(space, reply),
        )  # fmt: skip
        proposed = ask(self._client, request).points
        return next(dict(point) for point in proposed if self._fault(space, point) is None)

    def _faults(self, space: SearchSpace, reply: PointsProposal) -> list[str]:
        """Why none of the points can be tried; nothing where one can."""
        faults = [self._fault(space, point) for point in reply.points]
        return [f"points.{n}: {fault}" for n, fault in enumerate(faults)] if all(faults) else []

    def _fault(self, space: SearchSpace, point: Point) -> str | None:
        try:
            space.check(point)
        except SpaceError as error:
            return str(error)
        return "was tried already, or is being tried" if self._memory.knows(point) else None

    # ------------------------------------------------------------ what the model is told

    def _inputs(self, space: SearchSpace, trial_number: int) -> PointInputs:
        memory, aims = self._memory, self._objectives
        order, scores = self._ranked()
        rest = sorted(order[BEST:])[-LATEST:]
        return PointInputs(
            parameters=dict(space.parameters),
            constraints=tuple(one.text for one in space.constraints if isinstance(one, TextConstraint)),
            rules=tuple(one.text for one in space.constraints if isinstance(one, FunctionConstraint)),
            aims={aim.name: aim.direction for aim in aims.aims}, limits=tuple(map(str, aims.limits)),
            number=trial_number, trials=len(memory), failed=sum(score == -float("inf") for score in scores),
            best=tuple(self._tried(one) for one in order[:BEST]), latest=tuple(self._tried(one) for one in rest),
            pending=tuple(memory.pending),
        )  # fmt: skip

    def _ranked(self) -> tuple[list[int], list[float]]:
        """All trials by number, best first, and their scores."""
        scores = self._objectives.scores(self._memory.metrics).tolist()
        return sorted(range(len(scores)), key=lambda one: -scores[one]), scores

    def _tried(self, number: int) -> Tried:
        figures = {name: float(f"{value:.{DIGITS}g}") for name, value in self._memory.metrics[number].items()}
        finite = {name: value for name, value in figures.items() if abs(value) < float("inf")}
        return Tried(point=self._memory.points[number], figures=finite)


def client_of(client: Any, models: Sequence[str], api_base: str | None, replies: str | None) -> ModelClient:
    """The client that is given, or that the names mean."""
    if client is not None:
        given: ModelClient = client
        return given
    from neuromosaic.core.store.store import Store
    from neuromosaic.llm.choose import client_for
    from neuromosaic.prompts.roles import load_roles

    store = Store(Path(replies)) if replies is not None else None
    return client_for(models, roles=load_roles(), api_base=api_base, store=store)


register_strategy("llm", LLMSearch)
