"""What networks as data cost, beside PyTorch itself.

    python benchmarks/architectures.py specs    # documents to shape, parameters and FLOPs, a second of one core
    python benchmarks/architectures.py build    # to_model() beside calling a class that is written already
    python benchmarks/architectures.py source   # whether ladder, formatter, linter and type checker accept the files

Prints a JSON line per task. `specs` and `build` count CPU seconds of one thread.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neuromosaic.core.architecture import operation
from neuromosaic.core.architecture.library import shadows
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.space.ready import ready_space

DEPTH = 20
READY_INPUTS: dict[str, Any] = {
    "darts": (3, 16, 16), "gnn": (Input("nodes", (6, 4)), Input("adjacency", (6, 6))), "mlp": (20,),
    "mobilenet": (3, 16, 16), "nasbench201": (3, 16, 16), "resnet": (1, 16, 16), "rnn": (12, 5),
    "tcn": Input("x", (12,), 30), "transformer": Input("x", (12,), 30), "unet": (1, 16, 16),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["specs", "build", "source"])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    task: Callable[[int, random.Random], dict[str, Any]] = globals()[given.task]
    print(json.dumps({"task": given.task, "count": given.count, **task(given.count, random.Random(given.seed))}))


def specs(count: int, draw: random.Random) -> dict[str, Any]:
    """`fresh`: no layer known at first; `alone`: every memory emptied in front of each spec."""
    documents = [document(draw) for _ in range(count)]
    shadows()
    forget()
    fresh = count / seconds(lambda: [ArchitectureSpec.from_dict(each).infer() for each in documents])
    alone = sum(seconds(lambda each=each: ArchitectureSpec.from_dict(each), forget) for each in documents[:200])
    return {"layers": DEPTH, "fresh_per_s": round(fresh), "alone_per_s": round(min(count, 200) / alone)}


def build(count: int, draw: random.Random) -> dict[str, Any]:
    """Medians over networks; the class written by hand is the emitted file, imported beforehand."""
    import torch

    torch.set_num_threads(1)
    by_hand, first, again = [], [], []
    for _ in range(min(count, 30)):
        spec = ArchitectureSpec.from_dict(document(draw))
        names: dict[str, Any] = {"__name__": "model"}
        exec(compile(spec.to_source(), "model.py", "exec"), names)
        first.append(seconds(spec.to_model))
        for _ in range(3):
            by_hand.append(seconds(names["Model"]))
            again.append(seconds(spec.to_model))
    hand = statistics.median(by_hand)
    return {
        "by_hand_ms": round(1e3 * hand, 2), "first_ratio": round(statistics.median(first) / hand, 3),
        "again_ratio": round(statistics.median(again) / hand, 3),
    }  # fmt: skip


def source(count: int, draw: random.Random) -> dict[str, Any]:
    """Files of `count` networks of each kind: a chain as above, and samples of every ready space."""
    drawn = {"chain": [ArchitectureSpec.from_dict(document(draw)) for _ in range(count)]}
    for name, inputs in READY_INPUTS.items():
        space = ready_space(name, inputs, 10)
        drawn[name] = [space.architecture(point) for point in space.sample_many(count, seed=draw.getrandbits(32))]
    return {name: accepted(specs) for name, specs in drawn.items()}


def accepted(specs: Sequence[ArchitectureSpec]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, spec in enumerate(specs):
            (folder / f"model{number}.py").write_text(spec.to_source())
        options = [part for each in specs[0].inputs for part in ("--input", in_words(each))]
        output = "x".join(map(str, specs[0].infer().outputs[0]))
        checked = tool("neuromosaic", "validate", ".", *options, "--output", output, "--json", cwd=folder)
        ladder = sum(json.loads(line)["accepted"] for line in checked.stdout.splitlines())
        formatted = tool("ruff", "format", "--isolated", "--check", ".", cwd=folder)
        linted = tool("ruff", "check", "--isolated", ".", cwd=folder)
        typed = tool("mypy", "--strict", "--config-file=", ".", cwd=folder)
    return {
        "files": len(specs), "ladder": ladder, "formatted": formatted.returncode == 0,
        "linted": linted.returncode == 0, "typed": typed.returncode == 0,
    }  # fmt: skip


def in_words(given: Input) -> str:
    """An input as `neuromosaic validate --input` reads it."""
    return "x".join(map(str, given.shape)) + (f":int64<{given.classes}" if given.classes else "")


def tool(module: str, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", module, *arguments], cwd=cwd, capture_output=True, text=True)


def forget() -> None:
    operation.planned.cache_clear()
    operation.costed.cache_clear()


def seconds(work: Callable[[], Any], before: Callable[[], Any] | None = None) -> float:
    if before:
        before()
    began = time.process_time()
    work()
    return time.process_time() - began


def document(draw: random.Random) -> dict[str, Any]:
    """A network of 20 layers for small images."""
    layers: list[tuple[str, dict[str, Any]]] = [("conv_block", {"channels": draw.choice([16, 24, 32])})]
    while len(layers) < DEPTH - 1:
        channels = draw.randrange(16, 129, 8)
        layers.append(
            draw.choice(
                [
                    ("conv", {"channels": channels, "kernel": draw.choice([1, 3, 5])}),
                    ("inverted_residual", {"channels": channels, "expansion": draw.choice([2, 3, 4, 6])}),
                    ("residual_block", {"channels": channels}),
                    ("separable_conv", {"channels": channels}),
                    ("relu", {}),
                    ("batch_norm", {}),
                ]
            )
        )
    made = ArchitectureSpec.chain((3, 32, 32), *layers, ("classification_head", {"classes": 10})).to_dict()
    return {key: value for key, value in made.items() if key != "id"}


if __name__ == "__main__":
    main()
