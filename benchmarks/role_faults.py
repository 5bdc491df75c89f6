"""Whole runs with a model server that stumbles at random: `benchmarks/roles.py faults`."""

import random
import shutil
import statistics
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.workflows.workers import keep_workers
from tests.chat_server import chat_server
from tests.faulty_model import CANARY, RUN_SECONDS, Ending, Right, Stumbling, impatience, play, thrift
from tests.frugal_model import Frugal
from tests.served_designer import serve_designer

SHARES = (0.2, 0.5, 0.9)
"""Of a run's answers that are bad."""
REFUSED = 0.025
"""Of the bad answers: wrong model, expired key, bad request."""
BEHIND = ((), ("tests.frugal_model:Frugal",), ("openai/second",))
"""Who is asked where the model fails: nobody, one that never stumbles, one that stumbles as well."""
ENDINGS = {"met", "not met"}
REASONS = {"RunFailedError", "ReplyError", "ModelRefusedError", "ModelUnavailableError"}


def faults(count: int, first: int, root: Path, stack: ExitStack) -> Iterator[dict[str, Any]]:
    """A line for each run, and the sum of them; any of them alone is played again by its number."""
    stack.enter_context(keep_workers())
    stack.enter_context(impatience())
    stack.enter_context(thrift())
    right = serve_designer(stack.enter_context(pytest.MonkeyPatch.context()), Frugal())
    told = []
    for number in range(first, first + count):
        told.append(_one(number, root / "run", right))
        yield told[-1]
    yield _sum(told)


def _one(number: int, root: Path, right: Right) -> dict[str, Any]:
    draw, crashes = random.Random(f"faults/{number}"), list[str]()
    share, behind = draw.choice(SHARES), draw.choice(BEHIND)
    model = Stumbling(right, draw, share, REFUSED)
    threading.excepthook = lambda caught: crashes.append(
        f"in a thread: {caught.exc_type.__name__}: {caught.exc_value}"
    )
    with chat_server() as server:
        server.answers = [model]
        try:
            ending = play(root, server, ("openai/first", *behind))
        except Exception as error:  # noqa: BLE001 - what must not happen is what is counted
            ending = Ending("crash", "".join(traceback.format_exception(error)), 0.0)
    shutil.rmtree(root, ignore_errors=True)
    escaped = f"{CANARY} was written" if CANARY.exists() else ""
    wrong = [fault for fault in (_fault(ending), *crashes, escaped) if fault]
    return {
        "run": number, "bad": share, "behind": "".join(behind), "came_to": ending.came_to, "reason": ending.reason,
        "seconds": round(ending.seconds, 1), "answers": dict(Counter(model.drawn)), "wrong": wrong,
    }  # fmt: skip


def _fault(ending: Ending) -> str:
    """Why this is no way for a run to end; nothing where it is."""
    if ending.came_to not in ENDINGS | REASONS:
        return f"ended as {ending.came_to}"
    if ending.came_to in REASONS and (not ending.reason or any(ord(letter) < 32 for letter in ending.reason)):
        return "the reason is no sentence"
    return f"took {ending.seconds:.0f} s" if ending.seconds > RUN_SECONDS else ""


def _sum(told: list[dict[str, Any]]) -> dict[str, Any]:
    answers: Counter[str] = sum((Counter(one["answers"]) for one in told), Counter())
    took = [one["seconds"] for one in told]
    return {
        "runs": len(told), "came_to": dict(Counter(one["came_to"] for one in told)),
        "wrong": [one["run"] for one in told if one["wrong"]], "answers": dict(answers.most_common()),
        "seconds": {"median": round(statistics.median(took), 1), "longest": max(took), "all": round(sum(took))},
    }  # fmt: skip
