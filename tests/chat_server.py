"""A real chat server on this machine, whose answers each test writes."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Fault:
    """What the server does instead of answering. `status` 0: "hang" or "cut" as `body` says."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ChatServer:
    """Answers `answers` in turn, the last one from then on; a function is given the request's body."""

    base: str = ""
    answers: list[str | Fault | dict[str, Any] | Callable[[dict[str, Any]], str | Fault | dict[str, Any]]] = field(
        default_factory=list
    )
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, body: dict[str, Any], key: str) -> str | Fault | dict[str, Any]:
        with self.lock:
            answer = self.answers[min(len(self.bodies), len(self.answers) - 1)]
            self.bodies.append(body)
            self.keys.append(key)
        return answer(body) if callable(answer) else answer

    def prompt(self, number: int) -> str:
        """The last message of a request."""
        return str(self.bodies[number]["messages"][-1]["content"])


def completion(text: str, finish: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: ChatServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/v1/chat/completions"):
            return self.reply(404, "no such path")
        answer = self.chat.next(body, self.headers.get("Authorization", ""))
        if isinstance(answer, Fault):
            return self.fail(answer)
        document = completion(answer) if isinstance(answer, str) else answer
        return self.reply(200, json.dumps(document))

    def fail(self, fault: Fault) -> None:
        if fault.body == "hang":
            self.chat.released.wait(10)
            self.close_connection = True
        elif fault.body == "cut":
            self.reply(200, json.dumps(completion("half"))[:60], {"Content-Length": "4000"})
            # A reset, as from a server that died.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif fault.status == 200:
            self.reply(200, fault.body, fault.headers)
        else:
            body = fault.body if fault.body.startswith("{") else json.dumps({"error": {"message": fault.body}})
            self.reply(fault.status, body, fault.headers)

    def reply(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in (
            {"Content-Type": "application/json", "Content-Length": str(len(data))} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # who asked may have given up
            self.wfile.write(data)
            self.wfile.flush()


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server at work until the end of the block."""
    chat = ChatServer()
    handler = type("ChatHandler", (Handler,), {"chat": chat})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    chat.base = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        chat.released.set()
        http.shutdown()
        http.server_close()
        thread.join()
