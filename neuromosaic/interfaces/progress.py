"""Live progress on stderr: a log of what happened above, what is at work below."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from neuromosaic.core.store.store import Event, Store
from neuromosaic.delivery.narration import duration, narrate, number
from neuromosaic.workflows.bench import Observer

if TYPE_CHECKING:
    from rich.console import RenderableType


@contextmanager
def watching(store: Store, run: str) -> Iterator[Observer]:
    """An observer that shows events: live at a terminal, else as plain lines."""
    if not sys.stderr.isatty():
        yield lambda event: _print_line(event)
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    board = Board(run)
    with Live(get_renderable=board.render, console=console, refresh_per_second=4, transient=True):

        def observe(event: Event) -> None:
            line = narrate(event.kind, event.data)
            if line:
                console.print(line, markup=False)
            board.take(event)

        yield observe


def _print_line(event: Event) -> None:
    line = narrate(event.kind, event.data)
    if line:
        print(line, file=sys.stderr, flush=True)


class Board:
    """What a run is doing now: the role or gate at work, trials, the best so far, time and money."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._began = time.monotonic()
        self._at = "starting"
        self._at_since = self._began
        self._planned = 0
        self._done = 0
        self._best = ""
        self._best_value: float | None = None
        self._cost = 0.0
        self._running: dict[str, str] = {}
        self._seconds: float | None = None
        self._lock = Lock()

    def take(self, event: Event) -> None:
        """Updates the board by one event; events come from several threads."""
        with self._lock:
            handler = getattr(self, f"_on_{event.kind.replace('.', '_')}", None)
            if handler:
                handler(event.data)

    def render(self) -> "RenderableType":
        from rich.spinner import Spinner
        from rich.table import Table

        with self._lock:
            grid = Table.grid(padding=(0, 1))
            now = time.monotonic()
            grid.add_row(Spinner("dots"), f"{self._at} ({duration(now - self._at_since)})")
            for text in self._running.values():
                grid.add_row("", text)
            grid.add_row("", self._totals(now))
            return grid

    def line(self) -> str:
        """The same on one line."""
        with self._lock:
            now = time.monotonic()
            return f"{self._at} ({duration(now - self._at_since)}) | {self._totals(now)}"

    def _totals(self, now: float) -> str:
        parts = [f"run {self._run}"]
        if self._planned:
            parts.append(f"trial {self._done} of {self._planned}")
        if self._best:
            parts.append(f"best {self._best}")
        parts.append(f"spent {duration(now - self._began)}" + (f", ${self._cost:.2f}" if self._cost else ""))
        if self._seconds is not None:
            parts.append(f"left {duration(max(0.0, self._seconds - (now - self._began)))}")
        return " | ".join(parts)

    def _move(self, text: str) -> None:
        self._at, self._at_since = text, time.monotonic()

    def _on_budget(self, data: dict[str, Any]) -> None:
        self._seconds = data["seconds"]

    def _on_role_started(self, data: dict[str, Any]) -> None:
        self._move(f"{data['role']} at work: {data['purpose'].replace('-', ' ')}")

    def _on_model_called(self, data: dict[str, Any]) -> None:
        self._cost += data.get("cost_usd") or 0.0

    def _on_gate_verdict(self, data: dict[str, Any]) -> None:
        self._move(f"{data['family']} after gate {data['gate']}")

    def _on_envelope(self, data: dict[str, Any]) -> None:
        self._planned = 2 * data["trials"]

    def _on_trial_started(self, data: dict[str, Any]) -> None:
        self._move("training")
        self._running[data["trial"]] = f"{data['name']}: starting"

    def _on_trial_epoch(self, data: dict[str, Any]) -> None:
        figures = [f"{name} {number(data[name])}" for name in ("loss", data.get("primary")) if name in data]
        text = f"{data['name']}: epoch {data['epoch']:.0f} of {data['of']}, {', '.join(figures)}"
        self._running[data["trial"]] = text

    def _on_trial_finished(self, data: dict[str, Any]) -> None:
        self._running.pop(data["trial"], None)
        self._done += data["contestant"] in {"search", "random_search"} and not data["final"]
        self._note_best(data)

    def _note_best(self, data: dict[str, Any]) -> None:
        from neuromosaic.core.evaluation.metrics import higher_is_better

        value = data["value"]
        if value is None or data["contestant"] != "search":
            return
        sign = 1 if higher_is_better(data["metric"]) else -1
        if self._best_value is None or sign * value > sign * self._best_value:
            self._best_value, self._best = value, f"{data['metric']} {number(value)} ({data['name']})"

    def _on_finalists_started(self, data: dict[str, Any]) -> None:
        self._move("training the finalists longer")

    def _on_certifying(self, data: dict[str, Any]) -> None:
        self._move(f"certifying {data['name']}")

    def _on_stop_requested(self, data: dict[str, Any]) -> None:
        self._move("stopping with the best so far (Ctrl-C again breaks off)")
