"""Code of the user's own among the engine's: whose error it was stands in the message."""

from collections.abc import Iterator
from contextlib import contextmanager

from neuromosaic.core.errors import NeuromosaicError, SearchError


@contextmanager
def blaming(what: str, part: object, where: str) -> Iterator[None]:
    """Inside, an error of `part` becomes a SearchError that names it, and `where` in the search it was.

    What the project itself raises (a search at its end, a model that cannot be reached) passes as it is.
    """
    try:
        yield
    except NeuromosaicError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        raise SearchError(f"the {what} {type(part).__name__} failed {where}: {said}") from error
