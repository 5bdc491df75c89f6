"""What all executors have in common: keep every slot busy, hand out what finishes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from neuromosaic.core.execution.failure import Failure

Finished = tuple[Any, Any]
END = object()


def streamed(
    configs: Iterable[Any], slots: int, submit: Callable[[Any], None], collect: Callable[[], Finished]
) -> Iterator[Finished]:
    """Pairs of config and result, as they finish, with up to `slots` under way.

    `configs` is asked for the next one whenever a slot is free; an iterator that has ended may go on later: it is
    asked again after every result, and the stream ends when it still has nothing and nothing is under way.
    """
    source, flying = iter(configs), 0
    while True:
        while flying < slots and (config := next(source, END)) is not END:
            submit(config)
            flying += 1
        if not flying:
            return
        finished = collect()
        flying -= 1
        yield finished


def overdue(seconds: float) -> Failure:
    return Failure("timeout", f"took longer than {seconds:g} s")
