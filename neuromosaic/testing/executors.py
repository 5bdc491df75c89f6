"""The conformance suite for executors."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from neuromosaic.core.execution.failure import Failure


def check_executor(make: Callable[[], Any], separate: bool = True) -> None:
    """Tries an executor on small trials; `make` gives a new one each time, with at least one worker.

    Every config comes back once, with its own result, also configs that are None or equal; a trial that raises is a
    Failure and harms no other; configs may grow while they are read, and be many; closures travel; after `shutdown`
    it may be asked again or refuse, but not hang. `separate`: trials run in other processes, so that one that ends
    its process is a Failure with the cause "crash". Raises AssertionError naming the fault.
    """
    executor = make()
    try:
        _each_comes_back(executor)
        _failures_stay_alone(executor)
        _configs_may_grow(executor)
        if separate:
            _crashes_stay_alone(executor)
    finally:
        executor.shutdown()


def _each_comes_back(executor: Any) -> None:
    factor = 3
    pairs = list(executor.execute_trials(lambda config: (config or 0) * factor, [1, 2, 2, None, 5]))
    assert sorted((str(config), result) for config, result in pairs) == [
        ("1", 3), ("2", 6), ("2", 6), ("5", 15), ("None", 0),
    ], f"results were {pairs}"  # fmt: skip
    assert list(executor.execute_trials(lambda config: config, [])) == [], "no config gave a result"


def _failures_stay_alone(executor: Any) -> None:
    results = dict(executor.execute_trials(lambda config: 1 / config, [0, 1, 2]))
    assert isinstance(results[0], Failure), f"a trial that raised gave {results[0]!r}"
    assert results[0].cause == "raised", f"a trial that raised has the cause {results[0].cause!r}"
    assert "division" in results[0].message, f"its message is {results[0].message!r}"
    assert (results[1], results[2]) == (1.0, 0.5), "a trial that raised harmed others"


class _Growing:
    """Two configs, and two more for each of the first three results."""

    def __init__(self) -> None:
        self.left, self.next = 2, 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if not self.left:
            raise StopIteration
        self.left -= 1
        self.next += 1
        return self.next


def _configs_may_grow(executor: Any) -> None:
    configs, results = _Growing(), []
    for _, result in executor.execute_trials(lambda config: config, configs):
        results.append(result)
        if len(results) <= 3:
            configs.left += 2
    assert sorted(results) == [1, 2, 3, 4, 5, 6, 7, 8], f"an iterator that grew gave {sorted(results)}"


def _crashes_stay_alone(executor: Any) -> None:
    results = dict(executor.execute_trials(lambda config: os._exit(3) if config == 1 else config, [0, 1, 2, 3]))
    assert isinstance(results[1], Failure), f"a trial that ended its process gave {results[1]!r}"
    assert results[1].cause == "crash", f"its cause is {results[1].cause!r}"
    assert [results[config] for config in (0, 2, 3)] == [0, 2, 3], "it harmed others"
