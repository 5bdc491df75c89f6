"""Proposed source becomes a module: written as model.py, imported as `model`, built as `Model(**values)`."""

import functools
import importlib
import inspect
import linecache
import random
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.protocols import Program
from neuromosaic.core.space.parameters import Scalar
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory

if TYPE_CHECKING:
    from torch import nn

FILE = "model.py"


def load_model_class(source: str, folder: Path, entry: str = "Model") -> "type[nn.Module]":
    """The class `entry` of `source`, imported as module `model` from `folder`/model.py; `model.Model` is that class.

    Raises CandidateError "syntax", "import" or "no-model", with the line where it is known.
    """
    from torch import nn

    if "\0" in source:  # which Python 3.11.2 does not call a syntax error
        raise CandidateError("model.py holds null bytes", "syntax")
    path = folder / FILE
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    sys.modules.pop("model", None)
    with attributed("import", path):
        path.write_text(source, encoding="utf-8")
        linecache.checkcache(str(path))
        importlib.invalidate_caches()
        module = importlib.import_module("model")
    found = getattr(module, entry, None)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise CandidateError(f"model.py must define a class {entry}(nn.Module) at its top level", "no-model")
    module.Model = found  # type: ignore[attr-defined]
    return found


def build(program: Program, folder: Path) -> "nn.Module":
    """The program's network, after every random generator was seeded with the program's seed.

    Raises CandidateError "syntax", "import", "no-model" or "constructor".
    """
    made = load_model_class(program.source, folder, program.entry)
    return construct(made, program, folder, program.seed)


def construct(made: "type[nn.Module]", program: Program, folder: Path, seed: int) -> "nn.Module":
    seed_everything(seed)
    with attributed("constructor", folder / FILE):
        arguments, named = _init_inputs() if program.arguments is None else (program.arguments, {})
        return made(*arguments, **{**named, **program.values})


def _init_inputs() -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the source's `get_init_inputs()` returns: the arguments, or a list of these and a dict of named ones."""
    given: Any = getattr(sys.modules["model"], "get_init_inputs", list)()
    match given:
        case [list(arguments), dict(named)]:
            return tuple(arguments), named
        case _:
            return tuple(given), {}


def seed_everything(seed: int) -> None:
    """Python's and torch's generators, and numpy's where a program has imported it."""
    import torch

    random.seed(seed)
    torch.manual_seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % 2**32)


@contextmanager
def attributed(code: str, path: Path, root: "nn.Module | None" = None) -> Iterator[None]:
    """Turns whatever proposed code raises into a CandidateError: where in `path`, and in which layer of `root`.

    An error of ours passes, and so does want of memory, which is a worker's failure.
    """
    try:
        yield
    except SyntaxError as error:
        line = error.lineno if error.filename == str(path) else line_of(error, path)
        raise CandidateError(f"SyntaxError: {error.msg}", "syntax", line) from None
    except CandidateError:
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            raise
        raise CandidateError(first_line(error), code, line_of(error, path), layer_of(error, root)) from error


def line_of(error: BaseException, path: Path) -> int | None:
    """The innermost line of `path` that the exception passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def layer_of(error: BaseException, root: "nn.Module | None") -> str | None:
    """The innermost submodule of `root`, by its module path, whose code the exception passed through."""
    names = {id(module): name for name, module in root.named_modules()} if root is not None else {}
    found = [names.get(id(frame.f_locals.get("self"))) for frame, _ in traceback.walk_tb(error.__traceback__)]
    layers = [name for name in found if name]
    return layers[-1] if layers else None


def with_defaults(made: "type[nn.Module]", values: Mapping[str, Scalar]) -> "type[nn.Module]":
    """Has `made()` mean `made(**values)`, in place; arguments that a caller gives count before these."""
    original = made.__init__
    signature = inspect.signature(original)

    @functools.wraps(original)
    def __init__(self: "nn.Module", *arguments: Any, **named: Any) -> None:  # noqa: N807 (it becomes the constructor)
        given = signature.bind_partial(self, *arguments, **named).arguments if values else {}
        original(self, *arguments, **{name: v for name, v in values.items() if name not in given} | named)

    shown = [p.replace(default=values[n]) if n in values else p for n, p in signature.parameters.items()]
    with suppress(ValueError):  # an argument that still has no default comes after one that has
        __init__.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    made.__init__ = __init__  # type: ignore[method-assign]
    return made
