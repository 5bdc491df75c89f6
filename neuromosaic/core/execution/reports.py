"""How a trial elsewhere reports: a line to the process that runs the search, which answers whether to stop."""

import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from neuromosaic.core.errors import InfrastructureError

EVERYWHERE = "0.0.0.0"  # noqa: S104  for workers on other machines, who must know the key
Handler = Callable[[int, int, Mapping[str, float]], bool]


class ReportServer:
    """Takes reports of trials on `host`, JSON alone, from whoever knows the key; `handler` answers each."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1") -> None:
        self._handler = handler
        self._key = secrets.token_bytes(32)
        self._listener = Listener((host, 0), backlog=64, authkey=self._key)
        self.address = (host if host != EVERYWHERE else socket.gethostname(), self._listener.address[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def line(self, trial: int) -> "Line":
        """What a trial calls to report; it can travel."""
        return Line(self.address, self._key, trial)

    def _accept(self) -> None:
        while True:
            try:
                talk = self._listener.accept()
            except (AuthenticationError, ConnectionError, EOFError):
                continue
            except OSError:
                return
            threading.Thread(target=self._listen, args=(talk,), daemon=True).start()

    def _listen(self, talk: Connection) -> None:
        with talk, suppress(EOFError, OSError):
            while True:
                trial, step, metrics = json.loads(talk.recv_bytes())
                talk.send_bytes(json.dumps(self._handler(trial, step, metrics)).encode())

    def close(self) -> None:
        self._listener.close()


class Line:
    """`line(step, metrics)` answers whether to stop. Connects on first use."""

    def __init__(self, address: tuple[str, int], key: bytes, trial: int) -> None:
        self._address, self._key, self._trial = address, key, trial
        self._talk: Connection | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_talk": None}

    def __call__(self, step: int, metrics: Mapping[str, float]) -> bool:
        try:
            if self._talk is None:
                self._talk = Client(self._address, authkey=self._key)
            self._talk.send_bytes(json.dumps([self._trial, step, metrics]).encode())
            return bool(json.loads(self._talk.recv_bytes()))
        except (OSError, EOFError) as error:
            raise InfrastructureError(f"the search that this trial belongs to is not reachable: {error}") from None
