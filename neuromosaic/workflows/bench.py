"""The workbench: what the nodes of one run share while a process works on it."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.proposals import Envelope, MetricsPlan, RoleName
from neuromosaic.core.protocols import Judge, Sandbox
from neuromosaic.core.role_inputs import Hardware
from neuromosaic.core.store.store import Event, Store
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.workers import Workers, kept

if TYPE_CHECKING:
    from neuromosaic.llm.fallback import FallbackClient
    from neuromosaic.llm.spending import Spending
    from neuromosaic.prompts.roles import Role

Model = TypeVar("Model", bound=BaseModel)
Part = TypeVar("Part")
Observer = Callable[[Event], None]


class Workbench:
    """One run in one process: its store, its workers, its model clients.

    Everything heavy is made on first use. `stop()` asks the run to end with the best so far; a stop asked for by
    another process (an event in the store) counts as well.
    """

    def __init__(self, store: Store, run: str, observe: Observer | None = None) -> None:
        record = store.run(run)
        self.store, self.run = store, record.id
        self.options = Options.model_validate(record.options)
        self.asked = Brief.model_validate(record.brief)
        self._observe = observe
        self._stop = threading.Event()
        self._began = time.time()
        self._spent_before = working_time(store.events(run))
        self._parts: dict[str, Any] = {}
        self._workers = kept() or Workers()
        self._lock = threading.RLock()
        self.tell("process.started")
        self._first_event = store.events(run)[-1].number

    # ------------------------------------------------------------ history

    def tell(self, kind: str, **data: Any) -> None:
        """Records an event and shows it to whoever watches."""
        self.store.add_event(self.run, kind, **data)
        self.watch(kind, **data)

    def watch(self, kind: str, **data: Any) -> None:
        """Shows progress that is not worth keeping."""
        if self._observe:
            self._observe(Event(0, time.time(), kind, data))

    def once(self, step: str, compute: Callable[[], Any]) -> Any:
        return self.store.once(self.run, step, compute)

    def once_as(self, step: str, model: type[Model], compute: Callable[[], Model]) -> Model:
        """`once` for a pydantic value."""
        return model.model_validate(self.once(step, lambda: compute().model_dump(mode="json")))

    def known(self, step: str, model: type[Model]) -> Model:
        """The value of a step that an earlier node has taken."""
        return model.model_validate(self.store.step(self.run, step))

    def prove(self, kind: str, **data: Any) -> str:
        """Stores evidence with what is needed to repeat it; its id."""
        return self.store.add_evidence(self.run, kind, {"seed": self.brief.seed, **data})

    # ------------------------------------------------------------ stopping and time

    def stop(self) -> None:
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def look_for_stop(self) -> bool:
        """Also asks the store whether another process has wanted this run to stop since this one began."""
        later = self.store.events(self.run, after=self._first_event)
        if any(event.kind == "stop.requested" for event in later):
            self._stop.set()
        return self.stopping

    @property
    def spent_seconds(self) -> float:
        """Working time of this run, over all processes that have worked on it."""
        return self._spent_before + time.time() - self._began

    def seconds_left(self, share: float = 1.0) -> float | None:
        """What is left of `share` of the time budget; None where there is none. Never negative."""
        limit = self.brief.budget.seconds
        return None if limit is None else max(0.0, share * limit - self.spent_seconds)

    # ------------------------------------------------------------ what earlier nodes settled

    @cached_property
    def brief(self) -> Brief:
        return self.known("brief", Brief)

    @cached_property
    def envelope(self) -> Envelope:
        return self.known("envelope", Envelope)

    @cached_property
    def hardware(self) -> Hardware:
        return self.known("hardware", Hardware)

    @cached_property
    def plan(self) -> MetricsPlan:
        return self.known("metrics", MetricsPlan)

    @cached_property
    def recipe(self) -> Recipe:
        return self.known("recipe", Recipe)

    @property
    def suite(self) -> str:
        """The TestArchitect's suite that counts: the last that has shown to be better than the one before."""
        return str(suite_of(self.store, self.run))

    # ------------------------------------------------------------ what is at work

    @property
    def dataset(self) -> Dataset:
        from neuromosaic.core.evaluation.data.loading import load_dataset

        return self.share("dataset", lambda: load_dataset(self._understood))

    @property
    def sandbox(self) -> Sandbox:
        given = self.options.extend
        return self._workers.sandbox(self.options.boundary, given.libraries if given else ())

    @property
    def judge(self) -> Judge:
        return self._workers.judge(self.envelope.workers, self.hardware.device)

    def client(self, role: RoleName) -> "FallbackClient":
        """The model client that this role's requests go to; a model that the run names for it comes before the one in
        its file."""
        named = self.options.role_models
        names, special = named.get(role, self.options.models), purposes_of(role, named)
        roles, own = self.roles, ""
        if role in named and roles[role].model:
            roles, own = {**roles, role: roles[role].model_copy(update={"model": None})}, role
        return self.share(f"client {names} {special} {own}", lambda: self._make_client(names, special, roles))

    def warm_up(self) -> None:
        """Starts the sandbox while other work goes on: a cold start takes seconds. A fault shows at first use."""
        in_background(lambda: self.sandbox.boundary)

    def warm_up_judge(self) -> None:
        """Likewise, once it is known how many workers there are to be."""
        in_background(self.judge.warm_up)

    def close(self) -> None:
        """Ends the workers, unless they are kept for other runs; this one can be resumed."""
        if self._workers is not kept():
            self._workers.close()

    def close_judge(self) -> None:
        """Ends the workers that have seen graphs, unless they are kept for other runs."""
        if self._workers is not kept():
            self._workers.close_judges()

    @property
    def _understood(self) -> Brief:
        """The brief as far as it is settled: what a person asked for, until the intake is over."""
        settled = self.store.step(self.run, "understood")
        return Brief.model_validate(settled) if settled else self.asked

    def share(self, name: str, make: Callable[[], Part]) -> Part:
        """Makes a part once in this process, whichever thread needs it first."""
        with self._lock:
            if name not in self._parts:
                self._parts[name] = make()
            part: Part = self._parts[name]
            return part

    def _spending(self) -> "Spending":
        """One for the run: clients that count apart would keep no limit together."""
        from neuromosaic.llm.spending import Limits, Spending

        options = self.options
        return Spending(
            Limits(self._cost_left(), options.calls, options.tokens, options.model_seconds, options.at_once)
        )

    @cached_property
    def roles(self) -> "Mapping[RoleName, Role]":
        """Who sits at the table: the built-in files, and those of the user."""
        from neuromosaic.prompts.roles import load_roles

        return load_roles(Path(self.options.agents) if self.options.agents else None)

    def _make_client(
        self, names: tuple[str, ...], purposes: dict[str, tuple[str, ...]], roles: "Mapping[RoleName, Role]"
    ) -> "FallbackClient":
        from neuromosaic.llm.choose import client_for

        return client_for(
            names, roles=roles, api_base=self.options.api_base, store=self.store,
            on_call=lambda call: self.tell("model.called", **asdict(call)),
            on_fallback=lambda step: self.tell("model.fallback", **step._asdict()),
            spending=self.share("spending", self._spending), purposes=purposes,
        )  # fmt: skip

    def _cost_left(self) -> float | None:
        """What is left of the limit on cost, after what earlier processes have spent."""
        limit = self._understood.budget.cost_usd
        if limit is None:
            return None
        calls = (event.data for event in self.store.events(self.run) if event.kind == "model.called")
        return max(0.0, limit - sum(call["cost_usd"] or 0.0 for call in calls))


def suite_of(store: Store, run: str) -> str | None:
    """As mended for what is delivered, else for its mutants, else as first written; None before."""
    judged = store.step(run, "covering") or store.step(run, "mutants")
    if judged:
        return str(judged["suite"])
    written = store.step(run, "suite")
    return str(written["source"]) if written else None


def mutants_of(store: Store, run: str) -> dict[str, Any]:
    """What became of the broken networks that this suite faced: {"rows"}, and "family" and "evidence" if it did."""
    mended = store.step(run, "covering") or {}
    return dict(mended if "rows" in mended else store.step(run, "mutants") or {"rows": []})


def purposes_of(role: RoleName, models: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The models that `role` has for single purposes: its own ("Trainer.recipes") before anyone's ("recipes")."""
    anyone = {name: line for name, line in models.items() if name.islower()}
    own = {name.partition(".")[2]: line for name, line in models.items() if name.startswith(f"{role}.")}
    return anyone | own


def in_background(work: Callable[[], object]) -> None:
    """Begins what will be needed soon; a fault shows where it is needed."""

    def quietly() -> None:
        with suppress(NeuromosaicError):
            work()

    threading.Thread(target=quietly, daemon=True).start()


def working_time(events: list[Event]) -> float:
    """Seconds between each process's first and last event; what came before the first process counts for nothing."""
    total = 0.0
    for earlier, later in itertools.pairwise(events):
        if later.kind != "process.started":
            total += later.time - earlier.time
    return total
