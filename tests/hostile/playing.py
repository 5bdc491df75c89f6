"""One attempt against one bench: arm it, play it, look at the traps."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from tests.hostile.attempts import Attempt
from tests.hostile.bench import Bench
from tests.hostile.plays import Told, play, warm_up
from tests.hostile.traps import Traps, overhearing

GRACE: Final = 1.0
"""Seconds by which a job may be late: its end, the traps and a busy machine."""
CLEARING_SECONDS: Final = 60.0
HOST_CPU: Final = 12.0
"""Seconds of the host's own processor time that one attempt may cost: a reply of the largest size takes some."""

MEASURED: Final = frozenset((
    "was not stopped in time", "kept the host itself busy", "left the host larger",
    "made the host take far too much memory", "filled the host's disk",
))  # fmt: skip
"""Told by a clock or a gauge of the whole machine, which other work on it moves as well."""


class Stuck(Exception):
    """The host itself has computed for too long."""


@dataclass(frozen=True)
class Result:
    """`sprung`: the traps that one attempt sprang. `believed`: what was accepted though it is false, "" if nothing.

    `warned`: accepted by a verdict that says itself that the suite comes out otherwise on the graph. `claimed`:
    accepted in the python lane, whose figures are the candidate's own, and whose verdicts say so.
    """

    attempt: str
    category: str
    sprung: tuple[str, ...]
    believed: str = ""
    warned: str = ""
    claimed: str = ""
    seconds: float = 0.0
    reason: str = field(default="", repr=False)

    @property
    def succeeded(self) -> bool:
        return bool(self.sprung or self.believed)

    @property
    def doubtful(self) -> bool:
        """Whether all that was noticed may be the doing of other work on the machine."""
        return bool(self.sprung) and MEASURED.issuperset(self.sprung)


def try_attempt(bench: Bench, attempt: Attempt) -> Result:
    """Plays the attempt, and once more where the first result is doubtful: what it does itself, it does again."""
    result = _tried(bench, attempt)
    return _tried(bench, attempt) if result.doubtful else result


def _tried(bench: Bench, attempt: Attempt) -> Result:
    """Plays the attempt; where it claims something, its honest twin as well."""
    warm_up(bench, attempt.play)
    with Traps(bench.own) as traps, bench.sibling() as sibling, overhearing(traps.secret) as heard:
        bench.plant(traps.secret)
        warm = bench.warm._process.pid
        folders = bench.folders()
        traps.arm()
        source = attempt.armed({**traps.places, "SIBLING_PID": sibling.pid})
        began = time.perf_counter()
        with _not_stuck():
            told = _played(bench, attempt, source)
        seconds = time.perf_counter() - began
        found = [*told.wrong, *_own(attempt, seconds), *traps.sprung()]
        if heard.told:
            found.append("told a secret")
        if "SIBLING" in attempt.source and not sibling.lives:
            found.append("harmed its sibling")
        if bench.warm._process.pid != warm:
            found.append("ended the warm process")
        elif not _comes_true(lambda: bench.folders() <= folders):
            found.append("left its folder behind")
    if not bench.does_honest_work():
        found.append("spoilt the workers for the next")
        bench.renew()
    outcome = _false_claim(bench, attempt, told)
    reason = told.reason.encode("ascii", "replace").decode()[:200]
    return Result(str(attempt), attempt.category, tuple(found), **outcome, seconds=round(seconds, 2), reason=reason)


def _played(bench: Bench, attempt: Attempt, source: str) -> Told:
    try:
        return play(bench, attempt.play, source, attempt.seconds)
    except Stuck:
        return Told(reason="the host was stuck", wrong=["kept the host itself busy"])


def _own(attempt: Attempt, seconds: float) -> list[str]:
    """A single job must be over in time."""
    single = attempt.play in ("export", "test", "train")
    return ["was not stopped in time"] if single and seconds > attempt.seconds + GRACE else []


def _false_claim(bench: Bench, attempt: Attempt, told: Told) -> dict[str, str]:
    """What the host accepts of the attempt and not of its honest twin: "believed", "warned" or "claimed"."""
    if attempt.play != "ladder" or not told.accepted:
        return {}
    twin = play(bench, "ladder", attempt.disarmed, attempt.seconds)
    if twin.accepted:
        return {}
    kind = "claimed" if told.lane == "python" else "warned" if told.warned else "believed"
    return {kind: f"accepted; the honest twin is not: {', '.join(twin.codes)}"}


def _comes_true(condition: Callable[[], bool]) -> bool:
    """Sooner or later: what a child leaves is cleared in between, which takes its time where others work as well."""
    end = time.monotonic() + CLEARING_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def _not_stuck() -> Iterator[None]:
    """Raises Stuck in the main thread once this process has computed for too long."""

    def stuck(number: int, frame: FrameType | None) -> Any:
        raise Stuck

    before = signal.signal(signal.SIGVTALRM, stuck)
    signal.setitimer(signal.ITIMER_VIRTUAL, HOST_CPU)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
