"""Plays the corpus against one boundary, as this process's user, on this process's kernel.

    python -m tests.hostile.corpus [--boundary auto | --control] [NAME...]     # NAME: reach, reach/pickle...

Prints a JSON line for each attempt and one for the whole. Everything that is left alive ends up below this process,
whoever its parent was: nothing on the machine is overlooked.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from neuromosaic.core.workers.privileges import adopt_orphans
from tests.hostile.attempts import Attempt, attempts
from tests.hostile.bench import Bench
from tests.hostile.control import Control
from tests.hostile.playing import Result, try_attempt


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boundary", default="auto")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args(arguments)
    adopt_orphans()
    wanted = chosen(asked.names)
    level, results = controlled(wanted) if asked.control else played(wanted, asked.boundary)
    print(json.dumps(summary(level, results)))


def chosen(names: Sequence[str]) -> list[Attempt]:
    return [one for one in attempts() if not names or {one.category, str(one)} & set(names)]


def played(wanted: Sequence[Attempt], boundary: Any) -> tuple[str, list[Result]]:
    with Bench(boundary) as bench:
        return bench.level, list(told(wanted, lambda attempt: try_attempt(bench, attempt)))


def controlled(wanted: Sequence[Attempt]) -> tuple[str, list[Result]]:
    with Control() as control:
        return "none", list(told(wanted, control.try_attempt))


def told(wanted: Sequence[Attempt], play: Callable[[Attempt], Result]) -> Iterator[Result]:
    for attempt in wanted:
        result = play(attempt)
        print(json.dumps(asdict(result)), flush=True)
        yield result


def summary(level: str, results: Sequence[Result]) -> dict[str, Any]:
    """Counts by category: "attempts", "escapes" (a trap sprang), "fooled" (a false claim was believed), "warned"
    and "claims" (accepted by verdicts that say what is wrong with them), and for the control "succeeded"."""
    return {
        "level": level, "user": "root" if os.geteuid() == 0 else "ordinary",
        "attempts": count(results, lambda _: True),
        "escapes": count(results, lambda one: bool(one.sprung)),
        "fooled": count(results, lambda one: bool(one.believed)),
        "warned": count(results, lambda one: bool(one.warned)),
        "claims": count(results, lambda one: bool(one.claimed)),
        "succeeded": count(results, lambda one: one.succeeded),
    }  # fmt: skip


def count(results: Sequence[Result], counts: Callable[[Result], bool]) -> dict[str, int]:
    return dict(Counter(one.category for one in results if counts(one)))


if __name__ == "__main__":
    main(sys.argv[1:])
