"""The command line: a command's exit code, and one sentence in place of a traceback."""

import sys
from typing import Any

from neuromosaic.interfaces.commands import app


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and ends the process with its exit code: one sentence on an error, never a traceback."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """A command's exit code: 0, 1 failed, 2 usage, 3 waiting for approval, 130 interrupted."""
    from neuromosaic.core.errors import NeuromosaicError

    try:
        code: Any = app(args=arguments, standalone_mode=False, prog_name="neuromosaic")
    except NeuromosaicError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; `neuromosaic runs` lists what can be resumed", 130)
    except Exception as error:  # noqa: BLE001 - the last line of defence between a user and a traceback
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _unexpected(error: Exception) -> int:
    if hasattr(error, "format_message"):  # click's own: wrong option, missing argument
        return _say(error.format_message(), getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        return _say("interrupted", 130)
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="neuromosaic-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    return _say(
        f"a fault of Neuromosaic itself ({type(error).__name__}: {error}): please report it with {file.name}", 1
    )


def _say(message: str, code: int) -> int:
    print(f"neuromosaic: {message}", file=sys.stderr)
    return code
