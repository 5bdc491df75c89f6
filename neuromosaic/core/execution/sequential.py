"""One trial after the other, in this process."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from neuromosaic.core.execution.failure import Failure, attempted


class SequentialExecutor:
    """Runs trials here, in order: what it gives is the same each time.

    >>> list(SequentialExecutor().execute_trials(lambda x: x * x, [1, 2]))
    [(1, 1), (2, 4)]
    """

    name = "sequential"
    max_workers = 1

    def execute_trials(
        self, trial_fn: Callable[[Any], Any], configs: Iterable[Any]
    ) -> Iterator[tuple[Any, Any | Failure]]:
        for config in configs:
            yield config, attempted(trial_fn, config)

    def shutdown(self) -> None:
        """Nothing to let go."""
