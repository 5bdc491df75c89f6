"""Latency by the host's own clock: a process that runs proposed Python is not asked how long it took."""

import statistics
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.protocols import Job, Message, Program, Sandbox

WARM_UP, REPEATS, SECONDS = 10, 200, 4.0
FEWEST = 5  # timings, also where the network is slow
TOLERANCE = 1e-3  # of the outputs' scale


class Timing(NamedTuple):
    """Milliseconds of one forward pass, less the way there and back; `overhead` is the median of the latter."""

    p50: float
    p95: float
    overhead: float
    repeats: int


def time_program(sandbox: Sandbox, program: Program, x: NDArray[np.generic], timeout: float = 120.0) -> Timing:
    """Of `program` in eval mode on `x` [batch, ...], in a locked process of its own, with one thread.

    Passes take turns with messages that ask for none, so that what the conversation costs can be taken off. Raises
    CandidateError where its answers change from pass to pass, for then it is not known what was timed.
    """
    watch = _Stopwatch()
    sandbox.run(Job("ping", program, {}, {"x": from_numpy(x)}, timeout), watch)
    return watch.timing()


class _Stopwatch:
    """The host's side of the conversation: "forward" or "nothing" in turn, until there is enough of both."""

    def __init__(self) -> None:
        self._took: dict[str, list[float]] = {"forward": [], "nothing": []}
        self._asked, self._sent = "", 0.0
        self._end = time.perf_counter() + SECONDS
        self._answer: NDArray[np.generic] | None = None

    def __call__(self, message: Message) -> Message:
        now = time.perf_counter()
        if self._asked:
            self._took[self._asked].append(1000 * (now - self._sent))
        self._compare(to_numpy(message.tensors["outputs"]))
        self._asked = "end" if self._is_enough() else "nothing" if self._asked == "forward" else "forward"
        reply = Message({"pass": self._asked})
        self._sent = time.perf_counter()
        return reply

    def _compare(self, outputs: NDArray[np.generic]) -> None:
        expected = self._answer if self._answer is not None else outputs
        self._answer = expected
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        if outputs.shape != expected.shape or not np.allclose(outputs, expected, TOLERANCE, TOLERANCE * scale, True):
            raise CandidateError("model.py answers the same inputs differently while it is timed", "module-differs")

    def _is_enough(self) -> bool:
        done = len(self._took["nothing"])
        return done >= WARM_UP + REPEATS or (done >= WARM_UP + FEWEST and time.perf_counter() > self._end)

    def timing(self) -> Timing:
        overhead = statistics.median(self._took["nothing"][WARM_UP:])
        own = sorted(max(0.0, took - overhead) for took in self._took["forward"][WARM_UP:])
        return Timing(statistics.median(own), own[-(-95 * len(own) // 100) - 1], overhead, len(own))
