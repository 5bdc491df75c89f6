"""The negative control: checks as they are often made, in one process with the candidate, which is then believed.

    python -m tests.hostile.naive     # a job per line of its input: {"play", "source", ...}; a JSON line for each

Each job is done in a fork of this process, without any wall. The last line that the fork prints is its verdict; one
that prints none is accepted where its exit code is 0, as test runners do.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from neuromosaic.core.workers.privileges import adopt_orphans

MOST_BYTES: Final = 8 * 10**9
"""Of address space, for the machine's sake."""


def main() -> None:
    adopt_orphans()
    load()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(judge(**json.loads(line))), flush=True)


def load() -> None:
    import pytest  # noqa: F401
    import torch

    torch.set_num_threads(1)
    from neuromosaic.core.graph import export  # noqa: F401
    from neuromosaic.core.workers import jobs, rehearsal, suite  # noqa: F401
    from tests.hostile import bench, plays  # noqa: F401


def judge(play: str, source: str, folder: str, seconds: float) -> dict[str, Any]:
    """{"said": its last line or None, "status": how it ended, None where it had to be stopped, "memory_mb"}."""
    said = Path(folder, "said")
    pid = os.fork()
    if pid == 0:
        alone(play, source, folder, said)
    status, usage = ended(pid, seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    lines = said.read_text(errors="replace").strip().splitlines() if said.exists() else []
    return {"said": lines[-1] if lines else None, "status": status, "memory_mb": usage.ru_maxrss * 1024 / 1e6}


def alone(play: str, source: str, folder: str, said: Path) -> None:
    """The life of a fork: no wall, its own verdict."""
    status = 1
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        os.chdir(folder)
        sys.stdin.close()
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 1)
        accepted, parameters = CHECKS.get(play, check)(source, Path(folder))
        sys.stdout.write("\n" + json.dumps({"accepted": accepted, "parameters": parameters}) + "\n")
        sys.stdout.flush()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except Exception as error:  # noqa: BLE001 (a candidate that raises is refused)
        os.write(1, json.dumps({"accepted": False, "why": repr(error)[:500]}).encode())
    finally:
        os._exit(status)


def ended(pid: int, seconds: float) -> tuple[int | None, resource.struct_rusage]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), usage
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return None, os.wait4(pid, 0)[2]


# ---------------------------------------------------------------- the checks


def check(source: str, folder: Path) -> tuple[bool, float]:
    """Parameters, shapes, behaviour and the suite: our own checks, on the candidate itself."""
    import torch

    from neuromosaic.core.graph.tensors import from_numpy
    from neuromosaic.core.protocols import Job, Message, Program
    from neuromosaic.core.workers.jobs import JOBS
    from neuromosaic.core.workers.source import build
    from tests.hostile.bench import MOST_PARAMETERS, SIGNATURE, examples

    program = Program(source, {}, 0)
    module = build(program, folder)
    x, y = examples()
    tensors = {"x/0": from_numpy(x), "y": from_numpy(y)}
    signature = {"signature": SIGNATURE.model_dump(mode="json")}
    measured = JOBS["inspect"](module, Job("inspect", program, {**signature, "seed": 0}), Message).body
    behaved = JOBS["behave"](module, Job("behave", program, {**signature, "examples": len(x)}, tensors), Message).body
    findings = [*measured["findings"], *(f for f in behaved["findings"] if f["severity"] == "error")]
    torch.manual_seed(0)
    accepted = not findings and measured["parameters"] <= MOST_PARAMETERS and suite_is_green(folder)
    return accepted, float(measured["parameters"])


def suite_is_green(folder: Path) -> bool:
    import pytest

    from tests.hostile.bench import SUITE

    path = folder / "test_model.py"
    path.write_text(SUITE)
    return pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(path)]) == 0


def score(source: str, folder: Path) -> tuple[bool, float]:
    """Trains and scores, with the labels at hand."""
    import torch

    from neuromosaic.core.evaluation import training
    from neuromosaic.core.evaluation.recipe import Recipe
    from neuromosaic.core.protocols import Program
    from neuromosaic.core.workers.source import build
    from tests.hostile.bench import CONTRACT, EXAMPLES
    from tests.hostile.plays import HALF, unlearnable

    data = unlearnable()
    labels = torch.as_tensor(data.validation.y)
    best = 0.0

    def report(
        epoch: int, of: int, loss: float, seconds: float, outputs: torch.Tensor, *_: object
    ) -> tuple[bool, bool]:
        nonlocal best
        best = max(best, float((outputs.argmax(1) == labels).float().mean()))
        return False, False

    training.train(
        build(Program(source, {}, 0), folder), torch.as_tensor(data.train.x), torch.as_tensor(data.train.y),
        Recipe(loss="cross_entropy", epochs=2, batch_size=EXAMPLES), fidelity=1.0, seed=0, device="cpu",
        validation_x=torch.as_tensor(data.validation.x), contract=CONTRACT, report=report,
    )  # fmt: skip
    return best > HALF, 0.0


def follow(source: str, folder: Path) -> tuple[bool, float]:
    """Writes the graph out as Python and runs it."""
    import torch

    from neuromosaic.core.graph.tensors import to_torch
    from neuromosaic.core.protocols import Program
    from neuromosaic.core.workers.source import build

    module = build(Program(source, {}, 0), folder)
    from neuromosaic.core.graph import export

    graph = export.export_module(module, (torch.zeros(2, 1, 8, 8),))
    values = {
        "tensors": {name: to_torch(data) for name, data in graph.tensors.items()},
        "inputs": [torch.zeros(16, 1, 8, 8)],
    }
    exec(
        "import builtins, math, operator, os, torch\naten = torch.ops.aten\n" + written(graph.document["eval"]),
        values,
    )
    return tuple(values["result"].shape) == (16, 10), 0.0


def written(trace: dict[str, Any]) -> str:
    lines = [
        f"{node['name']} = {node['op']}({', '.join([*map(expression, node['args']), *keywords(node)])})"
        for node in trace["nodes"]
    ]
    return "\n".join([*lines, f"result = {expression(trace['output'])}"])


def keywords(node: dict[str, Any]) -> list[str]:
    return [f"{name}={expression(value)}" for name, value in node["kwargs"].items()]


def expression(value: Any) -> str:
    match value:
        case {"node": name}:
            return str(name)
        case {"tensor": name}:
            return f"tensors[{name!r}]"
        case {"input": number}:
            return f"inputs[{number}]"
        case {"dtype": name}:
            return f"torch.{name}"
        case list():
            return f"[{', '.join(map(expression, value))}]"
        case str():
            return f"'{value}'"
        case _:
            return repr(value)


CHECKS: Final = {"train": score, "graph": follow}

if __name__ == "__main__":
    main()
