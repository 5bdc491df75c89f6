"""The roles at work: what a turn costs beside the model's own time, and what twelve briefs come to.

    python benchmarks/roles.py turns
    python benchmarks/roles.py briefs [--only iris wine] [--trials 6]                    # the built-in designer
    python benchmarks/roles.py briefs --model openai/NAME --api-base http://127.0.0.1:8765/v1
    python benchmarks/roles.py briefs --served      # over HTTP, with the built-in designer's answers
    python benchmarks/roles.py briefs --model openai/NAME --api-base ... --only waves --record tests/recorded
    python benchmarks/roles.py recorded [--only iris]    # what was recorded, over HTTP, beside the built-in designer
    python benchmarks/roles.py coverage    # of each built-in family's model.py by its suite
    python benchmarks/roles.py faults [--runs 1000] [--first 0]    # whole runs with a model server that stumbles

"turns": milliseconds of ours per turn with a model that answers at once (median of 30), and how much longer eight
proposals at once take than one, each answered over HTTP after a second. "briefs" prints a JSON line each: families
accepted at the first try, after repair and rejected; mutants killed and survived; calls, tokens as the server counts
them (--served: 120 a call), and what came of it on the test split beside random search. "--record" keeps what each
model answered; "recorded" and the tests play it again, and it ends with a table. "faults": what each run came to, and
their sum; "coverage": what share of statements and branches the suites come through, and the least; the exit code
is 1 where a run crashed, hung or ended without a reason, or a suite failed.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from benchmarks.role_coverage import coverages
from benchmarks.role_faults import faults
from neuromosaic.agents.metrics import judge_round, plan_metrics
from neuromosaic.agents.network_architect import propose_family
from neuromosaic.agents.test_architect import write_suite
from neuromosaic.core.brief import Brief, Budget
from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.role_inputs import FamilyInputs, JudgementInputs, MetricsInputs, SuiteInputs
from neuromosaic.core.store.store import Event, Store
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Answer, Completion, Connection
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_hardware, example_task
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Extension, Options
from tests.chat_server import chat_server
from tests.recorded_model import FOLDER, record, replay
from tests.served_designer import serve_designer, written

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden: int = 8) -> None:
        super().__init__()
        self.one = nn.Linear(13, hidden)
        self.two = nn.Linear(hidden, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(torch.relu(self.one(x)))
"""


class Job(NamedTuple):
    """A brief over `data`; `extend`: the network to start from."""

    sentence: str
    data: str
    extend: Extension | None = None


TRIALS, RECORDED_TRIALS = 6, 4
"""Of a brief's search; random search gets as many again."""
BRIEFS = {
    "digits": Job("classify 8x8 grey images of handwritten digits, under 20k parameters", "digits"),
    "shapes": Job("classify the shape in each image, under 10k parameters", "role_data:shapes"),
    "textures": Job("tell stripes from stripes in small colour images, under 10k parameters", "role_data:textures"),
    "waves": Job("classify waves, under 8k parameters", "role_data:waves"),
    "events": Job("which event came first, under 8k parameters", "role_data:events"),
    "sentences": Job("a character language model, under 20k parameters", "role_data:sentences"),
    "iris": Job("classify iris flowers, under 2000 parameters", "iris"),
    "cancer": Job("tell malignant from benign, under 5k parameters", "breast_cancer"),
    "diabetes": Job("predict the progression of the disease, under 5k parameters", "diabetes"),
    "graphs": Job(
        "does the graph of this adjacency matrix hold a triangle, under 20k parameters", "role_data:graphs"
    ),
    "generation": Job(
        "a character model that generates balanced brackets, under 20k parameters", "role_data:brackets"
    ),
    "extending": Job("classify wines, under 3000 parameters", "wine", Extension(source=NET, entry="Net")),
}


# ---------------------------------------------------------------- turns


def inputs() -> dict[str, Any]:
    """Of one turn of each kind: code, a suite, decisions."""
    task = example_task()
    return {
        "propose": (propose_family, FamilyInputs(**task, hardware=example_hardware(), slot=0, slots=8)),
        "suite": (write_suite, SuiteInputs(**task)),
        "plan": (plan_metrics, MetricsInputs(**task, available=("accuracy", "macro_f1"))),
        "judge": (judge_round, JudgementInputs(**task, round=0, rounds=2, history=())),
    }


def turns() -> dict[str, Any]:
    took = {name: _milliseconds(turn, asked) for name, (turn, asked) in inputs().items()}
    return {"ms_of_ours_per_turn": took, "eight_at_once_over_one": _eight_over_one()}


def _milliseconds(turn: Any, asked: BaseModel) -> float:
    text = written(turn(OfflineDesigner(), asked))
    client = ChatClient("scripted", lambda talk, settings: Answer(text, 1, 1), load_roles())
    turn(client, asked)  # loads what is loaded on first use

    def once() -> float:
        began = time.perf_counter()
        turn(client, asked)
        return time.perf_counter() - began

    return round(1000 * statistics.median(once() for _ in range(30)), 2)


def _eight_over_one() -> float:
    turn, asked = inputs()["propose"]
    text = written(turn(OfflineDesigner(), asked))

    def slowly(body: dict[str, Any]) -> str:
        time.sleep(1.0)
        return text

    with chat_server() as server:
        server.answers = [slowly]
        complete: Completion = openai_completion("openai/t", Connection(server.base, retries=0))
        client = ChatClient("openai/t", complete, load_roles())
        turn(client, asked)
        alone = _seconds(1, client, asked)
        return round(_seconds(8, client, asked) / alone, 3)


def _seconds(count: int, client: ChatClient, asked: FamilyInputs) -> float:
    slots = [asked.model_copy(update={"slot": slot}) for slot in range(count)]
    began = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda one: propose_family(client, one), slots))
    return time.perf_counter() - began


# ---------------------------------------------------------------- briefs


def design(job: Job, root: Path, trials: int, options: dict[str, Any]) -> dict[str, Any]:
    """One run, and what its history says of it."""
    brief = Brief(sentence=job.sentence, data=job.data, budget=Budget(trials=trials))
    store = Store(root)
    run = runs.create(store, brief, Options(approved=True, folder=str(root / "out"), extend=job.extend, **options))
    bench, began = Workbench(store, run), time.monotonic()
    try:
        results = runs.carry_on(bench)
        came_to = {"status": results.status, **_beside_random_search(results)}
    except NeuromosaicError as error:
        came_to = {"status": type(error).__name__, "reason": str(error)[:300]}
    finally:
        bench.close()
    return {**came_to, **told_by(store.events(run)), "seconds": round(time.monotonic() - began, 1)}


def _beside_random_search(results: Any) -> dict[str, Any]:
    best, drawn = results.winner or results.nearest, results.baselines["random_search"]
    test = f"test_{results.metric}"
    other = drawn["metrics"].get(test) if isinstance(drawn, dict) else None
    return {
        "metric": results.metric,
        "designed_by": best.designed_by,
        "certified": round(best.metrics[test], 4),
        "random_search": other and round(other, 4),
        "covered": best.coverage,
    }


def told_by(events: list[Event]) -> dict[str, Any]:
    of: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        of.setdefault(event.kind, []).append(event.data)
    tries = [one["family"] for one in of.get("family.proposed", [])]
    accepted = [one["family"] for one in of.get("family.accepted", [])]
    faced = of.get("suite.mutants", [{"killed": None, "survived": None}])[-1]
    calls = of.get("model.called", [])
    return {
        "first_try": sum(tries.count(name) == 1 for name in accepted),
        "after_repair": sum(tries.count(name) > 1 for name in accepted),
        "rejected": len(of.get("family.rejected", [])), "mutants_killed": faced["killed"],
        "mutants_survived": faced["survived"], "calls": len(calls), "repair_turns": sum(c["repaired"] for c in calls),
        "tokens": sum(c["prompt_tokens"] + c["completion_tokens"] for c in calls),
        "fallbacks": len(of.get("model.fallback", [])),
    }  # fmt: skip


def recorded(name: str, root: Path) -> dict[str, Any]:
    """The brief designed by the recorded model, asked over HTTP."""
    with chat_server() as server, pytest.MonkeyPatch.context() as patch:
        model = replay(name, patch)
        server.answers = [model.answer]
        options = {"models": ("openai/recorded",), "api_base": server.base}
        return design(BRIEFS[name], root, RECORDED_TRIALS, options) | (
            {"faults": model.faults} if model.faults else {}
        )


def beside(said: argparse.Namespace, root: Path, stack: ExitStack) -> Iterator[dict[str, Any]]:
    """Each recorded brief by its model, then by the built-in designer."""
    for name in said.only or [name for name in BRIEFS if (FOLDER / name).is_dir()]:
        yield {"brief": name, "by": "recorded model", **recorded(name, root / f"{name}-recorded")}
        yield {"brief": name, "by": "offline", **design(BRIEFS[name], root / name, RECORDED_TRIALS, {})}


def briefs(said: argparse.Namespace, root: Path, stack: ExitStack) -> Iterator[dict[str, Any]]:
    """Each brief by the models that were named; `--record` writes down what they answered."""
    options: dict[str, Any] = {"models": tuple(said.model), "api_base": said.api_base}
    if said.served:
        server = stack.enter_context(chat_server())
        server.answers = [serve_designer(stack.enter_context(pytest.MonkeyPatch.context()))]
        options = {"models": ("openai/served",), "api_base": server.base}
    for name in said.only or BRIEFS:
        with pytest.MonkeyPatch.context() as patch:
            write = record(patch) if said.record else None
            yield {"brief": name, **design(BRIEFS[name], root / name, said.trials, options)}
        if write:
            write(Store(root / name), said.record / name)


COLUMNS = {
    "brief": "{brief}", "designed by": "{by}", "accepted at once": "{first_try}", "after repair": "{after_repair}",
    "rejected": "{rejected}", "mutants caught": "{mutants_killed} of {mutants}", "calls": "{calls}",
    "tokens": "{tokens:,}", "certified": "{metric} {certified}", "random search": "{random_search}",
}  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """What `recorded` came to, in Markdown."""
    rows = [[*COLUMNS], ["---"] * len(COLUMNS)]
    for line in lines:
        told = {"mutants": (line["mutants_killed"] or 0) + (line["mutants_survived"] or 0), **line}
        failed = dict.fromkeys(("metric", "certified", "random_search"), line["status"])
        rows.append([form.format(**(failed | told)) for form in COLUMNS.values()])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def under_faults(said: argparse.Namespace, root: Path, stack: ExitStack) -> Iterator[dict[str, Any]]:
    return faults(said.runs, said.first, root, stack)


def of_families(said: argparse.Namespace, root: Path, stack: ExitStack) -> Iterator[dict[str, Any]]:
    return coverages()


LINES = {"recorded": beside, "briefs": briefs, "faults": under_faults, "coverage": of_families}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["turns", *LINES])
    parser.add_argument("--only", nargs="*", choices=[*BRIEFS])
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--model", nargs="*", default=["offline"])
    parser.add_argument("--api-base")
    parser.add_argument("--served", action="store_true")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    said = parser.parse_args()
    if said.what == "turns":
        print(json.dumps(turns()))
        return
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lines = []
        for line in LINES[said.what](said, root, stack):
            lines.append(line)
            print(json.dumps(line), flush=True)
    if said.what == "recorded":
        print(table(lines))
    if lines[-1].get("wrong"):
        raise SystemExit(1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
