"""What torch.compile would save a training, and after how many steps it is repaid; beside it bf16 and "aot_eager"."""

import os
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild

BATCH, STEPS = 64, 40


def compiling(networks: dict[str, Callable[[], nn.Module]], rounds: int) -> Iterable[dict[str, Any]]:
    """A row per network: seconds to compile forward and backward, and milliseconds of a step each way, in turn.

    "aot_eager" records forward and backward as graphs and runs them by the usual kernels: it needs no compiler.
    """
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # a network that was compiled before costs nothing
    x, y = torch.randn(BATCH, 1, 28, 28), torch.arange(BATCH) % 10
    x = x.to(memory_format=torch.channels_last)
    for name, build in networks.items():
        graph = export_module(build(), (x[:4],))
        plain, fast = _step(rebuild(graph), x, y), _step(torch.compile(rebuild(graph)), x, y)
        half = _step(rebuild(graph), x, y, bf16=True)
        traced = _step(torch.compile(rebuild(graph), backend="aot_eager"), x, y)
        began = time.perf_counter()
        fast()
        compiled = time.perf_counter() - began
        traced()
        rows = [[_seconds(way) for way in (plain, fast, half, traced)] for _ in range(rounds)]
        saved = statistics.median(row[0] - row[1] for row in rows)
        eager, quick, bf16, aot = (round(1e3 * statistics.median(one), 3) for one in zip(*rows, strict=True))
        yield {
            "task": "compiling", "network": name, "compile_seconds": round(compiled, 1),
            "step_ms": eager, "compiled_step_ms": quick, "bf16_step_ms": bf16,
            "aot_eager_step_ms": aot, "rounds": rounds,
            "steps_to_repay": round(compiled / saved) if saved > 0 else None,
        }  # fmt: skip


def _step(module: Any, x: Tensor, y: Tensor, bf16: bool = False) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(module.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            outputs = module(x)
        nn.functional.cross_entropy(outputs.float(), y).backward()
        optimizer.step()

    return step


def _seconds(step: Callable[[], None]) -> float:
    began = time.process_time()
    for _ in range(STEPS):
        step()
    return (time.process_time() - began) / STEPS
