"""`neuromosaic chat`: at a terminal with history, completion and progress in place; else line by line."""

import sys
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from neuromosaic.core.store.store import Event, Store
from neuromosaic.delivery.narration import narrate
from neuromosaic.interfaces.chat.commands import COMMANDS
from neuromosaic.interfaces.chat.session import Session
from neuromosaic.interfaces.progress import Board
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.workers import keep_workers

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completion
    from prompt_toolkit.document import Document

HISTORY = "chat_history"
ENDS = frozenset({"quit", "exit", "bye", "/quit", "/exit"})
"""Words that end the conversation, as Ctrl-D does."""
NEXT_LINE = "\\"
"""At the end of a line: the message goes on with the next."""


def chat(root: Path, run: str | None, options: Options) -> int:
    """Talks until the input ends; the exit code is 0: what a run came to is said, not returned."""
    with keep_workers():
        if sys.stdin.isatty() and sys.stdout.isatty():
            return at_terminal(Store(root), run, options)
        return from_script(Store(root), run, options, sys.stdin)


# ---------------------------------------------------------------- line by line


def from_script(store: Store, run: str | None, options: Options, lines: Iterable[str]) -> int:
    """Each message is answered, and its work done, before the next is read. Progress goes to stderr."""
    session = Session(store, options, lambda text: print(text, flush=True), _to_stderr, run=run, patient=True)
    session.greet()
    for message in takewhile(_goes_on, messages(lines)):
        print(f"> {message}", flush=True)
        _patiently(session, message)
    return 0


def _goes_on(message: str) -> bool:
    return message.strip().lower() not in ENDS


def _patiently(session: Session, message: str) -> None:
    """Ctrl-C stops the work and goes on with the next message."""
    try:
        session.take(message)
    except KeyboardInterrupt:
        session.interrupt()
        session.close()


def messages(lines: Iterable[str]) -> Iterator[str]:
    """Lines, those that end in a backslash joined with the next; empty ones and comments left out."""
    held: list[str] = []
    for line in lines:
        text = line.rstrip("\n")
        held.append(text.removesuffix(NEXT_LINE).strip())
        if text.endswith(NEXT_LINE):
            continue
        if (message := "\n".join(held).strip()) and not message.startswith("#"):
            yield message
        held = []


def _to_stderr(event: Event) -> None:
    if line := narrate(event.kind, event.data):
        print(line, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- at a terminal


def at_terminal(store: Store, run: str | None, options: Options) -> int:
    """Ctrl-C stops the work, or clears the line where nothing is at work; Ctrl-D or /quit ends the conversation."""
    from prompt_toolkit.patch_stdout import patch_stdout

    progress = Progress()
    session = Session(store, options, print, progress.take, run=run, patient=False)
    prompt = prompt_session(store.root, session, progress)
    with patch_stdout(raw=True):
        session.greet()
        while (message := _next(prompt, session)) is not None and _goes_on(message):
            if message.strip():
                progress.follow(session.run)
                session.take(message.strip())
                progress.follow(session.run)
        session.close()
    return 0


def _next(prompt: "PromptSession[str]", session: Session) -> str | None:
    """The next message; None at the end of the conversation."""
    try:
        return prompt.prompt("> ")
    except KeyboardInterrupt:
        session.interrupt()
        return ""
    except EOFError:
        return None


def prompt_session(root: Path, session: Session, progress: "Progress") -> "PromptSession[str]":
    """Enter sends, Alt-Enter begins a new line; a paste of several lines is one message."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    class Commands(Completer):
        def get_completions(self, document: "Document", complete_event: "CompleteEvent") -> Iterator["Completion"]:
            return completions(document.text_before_cursor, session)

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return PromptSession(
        history=FileHistory(str(root / HISTORY)), completer=Commands(), key_bindings=keys,
        bottom_toolbar=lambda: progress.line(working=session.busy), refresh_interval=0.5,
    )  # fmt: skip


def completions(before: str, session: Session) -> Iterator["Completion"]:
    """Commands at the beginning; after /why what was proposed and certified."""
    from prompt_toolkit.completion import Completion

    name, space, rest = before.partition(" ")
    if not space:
        for command, described in COMMANDS.items():
            if before.startswith("/") and command.startswith(before):
                yield Completion(command, start_position=-len(before), display_meta=described.help)
    elif name == "/why" and session.run:
        for known in proposed(session.store, session.run):
            if known.lower().startswith(rest.lower()):
                yield Completion(known, start_position=-len(rest))


def proposed(store: Store, run: str) -> list[str]:
    """Names of families and certified candidates, each once, in the order they came."""
    kinds = {"family.proposed", "certified"}
    return list(dict.fromkeys(str(event.data["name"]) for event in store.events(run) if event.kind in kinds))


class Progress:
    """What the toolbar shows of the run at work; milestones are printed above the prompt."""

    def __init__(self) -> None:
        self._run: str | None = None
        self._board = Board("")

    def follow(self, run: str | None) -> None:
        if run is not None and run != self._run:
            self._run, self._board = run, Board(run)

    def take(self, event: Event) -> None:
        self._board.take(event)
        if line := narrate(event.kind, event.data):
            print(line)

    def line(self, *, working: bool) -> str:
        if self._run is None:
            return "no run yet"
        return self._board.line() if working else f"run {self._run} | nothing at work"
