"""A client whose replies are written beforehand: for tests, demonstrations and replays."""

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from neuromosaic.core.errors import ReplyError, UsageError
from neuromosaic.core.proposals import Request
from neuromosaic.llm.structured import Said, settle

T = TypeVar("T", bound=BaseModel)

Replies = Mapping[str, str | Sequence[str]]
"""Reply texts by "ROLE/PURPOSE"; several for several requests of that kind. "ROLE/PURPOSE/mend" answers the repair
turn (without it, the same text comes again)."""


class ScriptedClient:
    """Answers by role and purpose, through the same parsing and repair turn as a model's text.

    The n-th request of a kind gets the n-th text, the last one from then on; a request for one of several proposals
    gets the text of its place (round by round, slot by slot), whatever order they arrive in. `requests` holds what
    was asked. Raises ReplyError where there is no text or none that is usable.
    """

    def __init__(self, replies: Replies, name: str = "scripted") -> None:
        self.name = name
        self.requests: list[Request[Any]] = []
        self._replies = {key: [texts] if isinstance(texts, str) else list(texts) for key, texts in replies.items()}
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    @classmethod
    def from_path(cls, path: Path) -> "ScriptedClient":
        """From a JSON file of `Replies`, or a folder of text files.

        They are named `ROLE.PURPOSE.md`, `ROLE.PURPOSE.2.md` and so on, `ROLE.PURPOSE.mend.md`. Raises UsageError.
        """
        try:
            replies = _from_folder(path) if path.is_dir() else _from_file(path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the scripted replies {path}: {error}") from None
        if not replies:
            raise UsageError(f"{path} holds no replies: put ROLE.PURPOSE.md there, such as Metrics.plan.md")
        return cls(replies, name=f"scripted:{path.name}")

    def ask(self, request: Request[T]) -> T:
        kind = f"{request.role}/{request.purpose}"
        with self._lock:
            self.requests.append(request)
            number = _place(request.inputs, self._asked[kind])
            self._asked[kind] += 1
        return settle(request, lambda fault: self._said(kind, number, mending=fault is not None), self.name)

    def _said(self, kind: str, number: int, mending: bool) -> Said:
        texts = (self._replies.get(f"{kind}/mend") if mending else None) or self._replies.get(kind)
        if not texts:
            known = ", ".join(sorted(self._replies)) or "none"
            raise ReplyError(f"{self.name} has no reply for {kind} (it has: {known})")
        return Said(texts[min(number, len(texts) - 1)])


def _place(inputs: Any, asked: int) -> int:
    slot, slots, round_ = (getattr(inputs, name, None) for name in ("slot", "slots", "round"))
    return asked if slot is None or slots is None else (round_ or 0) * slots + slot


def _from_file(path: Path) -> dict[str, str | list[str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"the scripted replies {path} are not JSON: {error}") from None
    if not isinstance(document, dict) or not all(_is_texts(texts) for texts in document.values()):
        raise UsageError(
            f'{path} must be a JSON object such as {{"Metrics/plan": "reply", "Trainer/recipes": ["...", "..."]}}'
        )
    return document


def _is_texts(texts: object) -> bool:
    return isinstance(texts, str) or (
        isinstance(texts, list) and bool(texts) and all(isinstance(text, str) for text in texts)
    )


def _from_folder(folder: Path) -> dict[str, str | list[str]]:
    """Texts of each kind in the order of their numbers; a file without number is the first."""
    numbered: dict[str, dict[int, str]] = {}
    for path in sorted(folder.glob("*.md")):
        role, _, rest = path.stem.partition(".")
        purpose, _, last = rest.partition(".")
        kind = f"{role}/{purpose}" + (f"/{last}" if last and not last.isdigit() else "")
        numbered.setdefault(kind, {})[int(last) if last.isdigit() else 1] = path.read_text(encoding="utf-8")
    return {kind: [texts[number] for number in sorted(texts)] for kind, texts in numbered.items()}
