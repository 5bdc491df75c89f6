"""A worker process: is sent a function once, then configs, and sends back results.

Started as `python -m neuromosaic.core.execution.worker FD PARENT`, so that the user's script is not imported again.
What travels is the user's own code, by cloudpickle; proposed code never comes here.
"""

import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from neuromosaic.core.execution.failure import Failure, attempted

READY = "neuromosaic: ready"
"""Said once the function is there: until then no trial's time runs."""


def main(descriptor: int, parent: int) -> None:
    import cloudpickle

    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    talk = Connection(descriptor)
    sys.path[:] = cloudpickle.loads(talk.recv_bytes())
    trial_fn: Any = None
    while True:
        try:
            kind, body = cloudpickle.loads(talk.recv_bytes())
        except EOFError:
            return
        if kind == "function":
            trial_fn = attempted(cloudpickle.loads, body)
            talk.send_bytes(_packed(READY))
        else:
            result = trial_fn if isinstance(trial_fn, Failure) else attempted(trial_fn, cloudpickle.loads(body))
            talk.send_bytes(_packed(result))


def _packed(result: Any) -> bytes:
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(result))
    except Exception as error:  # noqa: BLE001  what pickling raises depends on the object
        said = f"returned {type(result).__name__}, which cannot travel: {type(error).__name__}: {error}"
        return bytes(cloudpickle.dumps(Failure("result", said)))


def _end_with(parent: int) -> None:
    """A killed parent leaves no worker behind."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
