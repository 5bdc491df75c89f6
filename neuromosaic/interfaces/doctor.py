"""`neuromosaic doctor`: can this machine do the work?"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.workers.boundary import Accepted

if TYPE_CHECKING:
    from neuromosaic.core.sandbox.process import Condition

FORKS = 11
SMALL = """\
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(x)
"""
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_BASE_URL")


class Check(NamedTuple):
    """What was looked at, whether it would do, and what was found; `facts` are the same for programs."""

    name: str
    ok: bool
    said: str
    facts: dict[str, Any] | None = None


class Found(NamedTuple):
    said: str
    facts: dict[str, Any]


def doctor(root: Path, boundary: Accepted = "auto", *, as_json: bool) -> int:
    """0 where a run with the built-in designer would work."""
    checks = []
    looks: dict[str, Callable[[], str | Found]] = {
        "python": _python, "torch": _torch, "device": _device, "sandbox": lambda: _sandbox(boundary),
        "store": lambda: _store(root), "models": _models,
    }  # fmt: skip
    for name, look in looks.items():
        print(f"checking {name} ...", file=sys.stderr)
        checks.append(_checked(name, look))
    if as_json:
        known = [{key: value for key, value in check._asdict().items() if value is not None} for check in checks]
        print(json.dumps(known, indent=2))
    else:
        for check in checks:
            print(f"{'ok ' if check.ok else 'BAD'} {check.name:8} {check.said}")
    return 0 if all(check.ok for check in checks) else 1


def _checked(name: str, check: Callable[[], str | Found]) -> Check:
    try:
        found = check()
        return Check(name, True, *found) if isinstance(found, Found) else Check(name, True, found)
    except (NeuromosaicError, ImportError, OSError) as error:
        return Check(name, False, str(error))


def _python() -> str:
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _torch() -> str:
    import torch

    return (
        f"torch {torch.__version__}, langgraph {metadata.version('langgraph')}, litellm {metadata.version('litellm')}"
    )


def _device() -> str:
    from neuromosaic.core.evaluation.hardware import choose_device, profile, roofline
    from neuromosaic.core.evaluation.load import LoadWatch

    with LoadWatch() as watch:
        found, moved = profile(choose_device("auto")), roofline(choose_device("auto")).gigabytes
    speed = f"{found.gflops:.0f} GFLOP/s and {moved:.0f} GB/s a thread"
    return f"{found.device}: {found.name}, {speed}, {found.memory_gb:.0f} GB; {watch.load}"


def _sandbox(boundary: Accepted) -> Found:
    """Really runs a small network behind the boundary."""
    from neuromosaic.core.brief import TensorSpec
    from neuromosaic.core.protocols import Program
    from neuromosaic.core.sandbox.process import ProcessSandbox
    from neuromosaic.core.signature import Signature

    signature = Signature(inputs=(TensorSpec(shape=(3,)),), outputs=(TensorSpec(shape=(1,)),))
    sandbox = ProcessSandbox(workers=1, boundary=boundary)
    try:
        sandbox.export(Program(SMALL, {}, 0), signature)
        began = time.perf_counter()
        sandbox.export(Program(SMALL, {}, 0), signature)
        network_ms = 1000 * (time.perf_counter() - began)
        return _described(sandbox.condition(FORKS), network_ms)
    finally:
        sandbox.close()


def _described(condition: "Condition", network_ms: float) -> Found:
    from neuromosaic.core.workers import landlock
    from neuromosaic.core.workers.boundary import obstacle

    missing, version = obstacle(condition.boundary), landlock.abi()
    facts = {
        "boundary": condition.boundary, "missing": missing, "landlock_abi": max(0, version),
        "fork_ms": round(condition.fork_ms, 1), "zygote_mb": round(condition.memory_mb),
        "network_ms": round(network_ms),
    }  # fmt: skip
    said = (
        f"boundary {condition.boundary}, Landlock ABI {facts['landlock_abi']}, "
        f"{condition.fork_ms:.0f} ms to fork and lock, {network_ms:.0f} ms a small network, "
        f"{condition.memory_mb:.0f} MB kept warm"
    )
    return Found(f"{said}; stronger: {missing}" if missing else said, facts)


def _store(root: Path) -> str:
    from neuromosaic.core.store.store import Store

    count = len(Store(root).runs())
    return f"{root.absolute()}, {count} runs"


def _models() -> str:
    """Which keys are there; never what they are."""
    present = [name for name in KEYS if os.environ.get(name)]
    return f"offline designer; set: {', '.join(present)}" if present else "offline designer; no model key is set"
