"""`neuromosaic logs RUN`: every call to a model, as the run recorded it; secrets are never shown."""

import json
from pathlib import Path
from typing import Any

from neuromosaic.core.store.store import Store
from neuromosaic.llm.faults import redacted

SHOWN = 12
"""Characters of a prompt's hash; `--json` has them all."""


def logs(root: Path, run: str, *, as_json: bool) -> None:
    """Role, purpose, prompt hash, model, settings, tokens, cost, latency; fallbacks between them."""
    store = Store(root)
    record = store.run(run)
    told = [event for event in store.events(record.id) if event.kind in {"model.called", "model.fallback"}]
    if as_json:
        print(redacted(json.dumps([{"time": e.time, "kind": e.kind, **e.data} for e in told], indent=2)))
        return
    lines = [_call(event.data) if event.kind == "model.called" else _fallback(event.data) for event in told]
    calls = [event.data for event in told if event.kind == "model.called"]
    print(redacted("\n".join([*lines, _sum(record.id, calls)])))


def _call(data: dict[str, Any]) -> str:
    settings = [f"{name}={data[name]}" for name in ("temperature", "max_tokens") if data.get(name) is not None]
    marks = [name for name in ("cached", "repaired") if data[name]]
    marks += [f"{data['lost']} lost"] if data.get("lost") else []
    cost = "cost unknown" if data["cost_usd"] is None else f"${data['cost_usd']:.4f}"
    return (
        f"{data['role']:17} {data['purpose']:11} {data['prompt_hash'][:SHOWN]}  {data['model']}  "
        f"{data['prompt_tokens']}+{data['completion_tokens']} tokens  {cost}  {data['seconds']:.2f} s"
        + "".join(f"  {said}" for said in (*settings, *marks))
    )


def _fallback(data: dict[str, Any]) -> str:
    why = f"{data['failed']} gave no answer ({data['reason']}): {data['next']} asked"
    return f"{data['role']:17} {data['purpose']:11} {why}"


def _sum(run: str, calls: list[dict[str, Any]]) -> str:
    """Unknown prices are said, never counted as nothing."""
    if not calls:
        return f"run {run} asked no model: the built-in designer makes no calls"
    cost = sum(call["cost_usd"] or 0.0 for call in calls)
    unknown = sorted({call["model"] for call in calls if call["cost_usd"] is None})
    tokens = sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls)
    cached = sum(call["cached"] for call in calls)
    said = f"{len(calls)} calls, {cached} from the store, {tokens} tokens, ${cost:.4f}"
    return said + (f" and what {', '.join(unknown)} cost, whose price is not known" if unknown else "")
