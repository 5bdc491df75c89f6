"""`neuromosaic doctor`: can this machine do the work?"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.errors import NeuromosaicError

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_BASE_URL")


class Check(NamedTuple):
    name: str
    ok: bool
    said: str


def doctor(root: Path, *, as_json: bool) -> int:
    """0 where a run with the built-in designer would work."""
    checks = []
    for name, look in (("python", _python), ("torch", _torch), ("device", _device), ("sandbox", _sandbox),
                       ("store", lambda: _store(root)), ("models", _models)):  # fmt: skip
        print(f"checking {name} ...", file=sys.stderr)
        checks.append(_checked(name, look))
    if as_json:
        print(json.dumps([check._asdict() for check in checks], indent=2))
    else:
        for check in checks:
            print(f"{'ok ' if check.ok else 'BAD'} {check.name:8} {check.said}")
    return 0 if all(check.ok for check in checks) else 1


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
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
    from neuromosaic.core.evaluation.hardware import choose_device, profile

    found = profile(choose_device("auto"))
    return f"{found.device}: {found.name}, {found.gflops:.0f} GFLOP/s a thread, {found.memory_gb:.0f} GB"


def _sandbox() -> str:
    """Really runs a small network behind the boundary."""
    from neuromosaic.core.brief import TensorSpec
    from neuromosaic.core.protocols import Program
    from neuromosaic.core.sandbox.process import ProcessSandbox
    from neuromosaic.core.signature import Signature

    signature = Signature(inputs=(TensorSpec(shape=(3,)),), outputs=(TensorSpec(shape=(1,)),))
    source = (
        "import torch\n\n\nclass Model(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = torch.nn.Linear(3, 1)\n\n    def forward(self, x):\n        return self.layer(x)\n"
    )
    sandbox = ProcessSandbox(workers=1)
    try:
        sandbox.export(Program(source, {}, 0), signature)
        began = time.perf_counter()
        sandbox.export(Program(source, {}, 0), signature)
        return f"boundary {sandbox.boundary}, {1000 * (time.perf_counter() - began):.0f} ms a small network"
    finally:
        sandbox.close()


def _store(root: Path) -> str:
    from neuromosaic.core.store.store import Store

    count = len(Store(root).runs())
    return f"{root.absolute()}, {count} runs"


def _models() -> str:
    """Which keys are there; never what they are."""
    present = [name for name in KEYS if os.environ.get(name)]
    return f"offline designer; set: {', '.join(present)}" if present else "offline designer; no model key is set"
