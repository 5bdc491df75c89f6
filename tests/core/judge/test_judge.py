"""The judge with real processes, and its worker's loop in process."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.tensors import from_numpy, to_torch
from neuromosaic.core.judge import worker
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job, Message, Program
from neuromosaic.core.signature import signature_of
from neuromosaic.core.workers.conversation import hold
from neuromosaic.core.workers.jobs import JOBS
from neuromosaic.core.workers.requests import request
from neuromosaic.core.workers.wire import Channel

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(6,)), output=TensorSpec(shape=(3,)), kind="tabular"
)
ARGUMENTS = {
    "contract": CONTRACT.model_dump(mode="json"),
    "signature": signature_of(CONTRACT).model_dump(mode="json"),
}


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    return export_module(net, (torch.randn(2, 6),))


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessJudge]:
    judge = ProcessJudge(workers=2, memory_mb=800)
    yield judge
    judge.close()


def pids(judge: ProcessJudge) -> set[int]:
    return {each._process.pid for each in judge._workers}


def training(graph: Graph, epochs: float, timeout: float = 60) -> Job:
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((64, 6), dtype=np.float32), draw.integers(0, 3, 64)
    tensors = {"x": from_numpy(x), "y": from_numpy(y), "validation_x": from_numpy(x[:5])}
    recipe = Recipe(epochs=epochs, batch_size=16).model_dump(mode="json")
    return Job("train", graph, {**ARGUMENTS, "recipe": recipe, "fidelity": 1.0, "seed": 0}, tensors, timeout)


def go_on(_: Message) -> Message:
    return Message({"stop": False, "keep": True})


# ---------------------------------------------------------------- with processes


def test_one_worker_serves_one_job_after_the_other(judge: ProcessJudge, graph: Graph) -> None:
    first = judge.run(Job("inspect", graph, ARGUMENTS)).body
    assert first["parameters"] == 6 * 8 + 8 + 16 + 8 * 3 + 3
    assert first["findings"] == []
    (pid,) = pids(judge)
    assert judge.run(Job("inspect", graph, ARGUMENTS)).body == first
    assert pids(judge) == {pid}


def test_training_is_the_same_twice_and_predict_takes_its_weights(judge: ProcessJudge, graph: Graph) -> None:
    reports: list[Message] = []

    def converse(report: Message) -> Message:
        reports.append(report)
        return go_on(report)

    one, other = (judge.run(training(graph, 3), converse) for _ in range(2))
    assert one == other
    assert one.body == {"epochs": 3, "cause": "finished"}
    assert len(reports) == 6
    tensors = {f"weights/{name}": tensor for name, tensor in one.tensors.items()}
    tensors["x"] = training(graph, 1).tensors["validation_x"]
    outputs = judge.run(Job("predict", graph, {"batch": 2}, tensors)).tensors["outputs"]
    assert torch.allclose(to_torch(outputs), to_torch(reports[-1].tensors["outputs"]), atol=1e-6)


def test_the_walls_change_no_digit_of_a_result(judge: ProcessJudge, graph: Graph) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    job = training(graph, 2)
    assert judge.run(job, go_on).tensors == JOBS["train"](rebuild(graph), job, go_on).tensors
    torch.set_num_threads(threads)


def test_a_graph_that_raises_is_the_candidates_fault_and_costs_no_worker(judge: ProcessJudge, graph: Graph) -> None:
    judge.run(Job("inspect", graph, ARGUMENTS))
    known = pids(judge)
    with pytest.raises(CandidateError):
        judge.run(Job("predict", graph, {"batch": 2}, {"x": from_numpy(np.ones((2, 5), dtype=np.float32))}))
    with pytest.raises(CandidateError):
        judge.run(Job("inspect", Graph({"format": 1}, {}), ARGUMENTS))
    assert pids(judge) == known


def test_memory_comes_back_after_each_job(judge: ProcessJudge, graph: Graph) -> None:
    def resident() -> float:
        pages = max(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids(judge))
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    x = from_numpy(np.ones((1_500_000, 6), dtype=np.float32))
    judge.run(Job("predict", graph, {"batch": 256}, {"x": from_numpy(np.ones((4, 6), dtype=np.float32))}))
    time.sleep(0.2)
    before = resident()
    judge.run(Job("predict", graph, {"batch": 100_000}, {"x": x}, timeout=60))
    judge.run(Job("inspect", graph, ARGUMENTS))
    assert resident() < before + 20


def test_want_of_memory_is_told_and_the_next_job_is_fine(judge: ProcessJudge, graph: Graph) -> None:
    x = from_numpy(np.ones((8_000_000, 6), dtype=np.float32))
    judge.run(Job("inspect", graph, ARGUMENTS))
    known = pids(judge)
    with pytest.raises(WorkerError) as caught:
        judge.run(Job("predict", graph, {"batch": 8_000_000}, {"x": x}))
    assert caught.value.cause == "memory"
    assert pids(judge) == known
    fits = from_numpy(np.ones((2_000_000, 6), dtype=np.float32))
    assert judge.run(Job("predict", graph, {"batch": 10_000}, {"x": fits})).tensors["outputs"].shape == (2_000_000, 3)


def test_a_hung_worker_is_replaced_in_time(judge: ProcessJudge, graph: Graph) -> None:
    judge.run(Job("inspect", graph, ARGUMENTS))
    known = pids(judge)
    began = time.monotonic()
    with pytest.raises(WorkerError) as caught:
        judge.run(training(graph, 10_000, timeout=0.5), go_on)
    assert caught.value.cause == "timeout"
    assert time.monotonic() - began < 1.5
    (gone,) = known - pids(judge)
    assert not Path(f"/proc/{gone}").exists()


def test_a_killed_worker_costs_its_own_job_and_nobody_elses(judge: ProcessJudge, graph: Graph) -> None:
    started = threading.Event()

    def slow(report: Message) -> Message:
        started.set()
        return go_on(report)

    judge.run(Job("inspect", graph, ARGUMENTS))
    (victim,) = pids(judge)
    with ThreadPoolExecutor(2) as pool:
        doomed = pool.submit(judge.run, training(graph, 10_000), slow)
        assert started.wait(60)
        neighbour = pool.submit(judge.run, training(graph, 3), go_on)
        os.kill(victim, signal.SIGSEGV)
        with pytest.raises(WorkerError, match="SIGSEGV") as caught:
            doomed.result()
        assert caught.value.cause == "crash"
        assert neighbour.result().body["cause"] == "finished"
    assert {each.boundary for each in judge._workers} <= {"landlock+seccomp", "seccomp", "rlimits"}


def test_a_closed_judge_takes_no_job(graph: Graph) -> None:
    judge = ProcessJudge(workers=1)
    judge.close()
    with pytest.raises(WorkerError, match="closed"):
        judge.run(Job("inspect", graph, ARGUMENTS))


@pytest.mark.parametrize("kind", ["test", "export", "nonsense"])
def test_a_judge_never_takes_proposed_python(kind: str, graph: Graph) -> None:
    with pytest.raises(ValueError, match="the sandbox's"):
        ProcessJudge().run(Job(kind, graph, {}))
    with pytest.raises(ValueError, match="the sandbox's"):
        ProcessJudge().run(Job("inspect", Program("", {}, 0), {}))


def test_a_worker_that_does_not_come_up_says_why(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuromosaic.core.workers.process.BOOTSTRAP", "raise SystemExit('no torch here')")
    with pytest.raises(WorkerError, match="no torch here") as caught:
        ProcessJudge().run(Job("inspect", graph, ARGUMENTS))
    assert caught.value.cause == "setup"


# ---------------------------------------------------------------- the worker's side, in process


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts `worker.main` in a thread of this process, which must not lock itself; returns the host's channel."""
    ours, theirs = socket.socketpair()
    for name in ("die_with_parent", "warm"):
        monkeypatch.setattr(worker, name, lambda *_: None)
    thread = threading.Thread(target=worker.main, args=(str(theirs.detach()), "1", "cpu", "100"))

    def start(lock: Any) -> Channel:
        monkeypatch.setattr(worker, "lock_judge", lock)
        thread.start()
        return Channel(ours)

    yield start
    ours.close()
    thread.join()


def test_a_worker_says_what_locks_it_and_serves(here: Any, graph: Graph) -> None:
    channel = here(lambda limits, devices: f"{limits.memory_mb} {devices}")
    assert channel.receive().body == {"boundary": "100 False"}
    for _ in range(2):
        assert hold(channel, request(Job("inspect", graph, ARGUMENTS))).body["outputs"][0]["shape"] == [3, 3]
    with pytest.raises(CandidateError, match="graphs only"):
        hold(channel, request(Job("inspect", Program("", {}, 0), ARGUMENTS)))


def test_a_worker_that_cannot_be_locked_serves_nobody(here: Any) -> None:
    def lock(*_: object, **__: object) -> str:
        raise WorkerError("no walls", "setup")

    channel = here(lock)
    assert channel.receive().body["failed"]["kind"] == "setup"
    with pytest.raises(EOFError):
        channel.receive()


def test_warming_up_leaves_one_thread() -> None:
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "set_num_interop_threads", lambda _: None)  # once per process only
        worker.warm()
        assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)


def test_caches_of_an_accelerator_are_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append("cuda"))
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: emptied.append("mps"))
    for device in ("cpu", "cuda", "mps"):
        worker.release(device)
    assert emptied == ["cuda", "mps"]


def test_workers_are_dealt_out_over_the_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    def dealt(workers: int, device: str) -> list[str]:
        return sorted(slot.place for slot in ProcessJudge(workers, device)._slots.queue)

    assert dealt(3, "cuda") == ["cuda:0", "cuda:0", "cuda:1"]
    assert dealt(1, "cuda") == ["cuda:0"]
    assert dealt(2, "cpu") == ["cpu", "cpu"]


def test_a_worker_of_one_of_several_devices_works_on_that(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    ours, theirs = socket.socketpair()
    ours.close()
    for device in ("cuda:1", "cuda", "cpu"):
        worker.serve(Channel(theirs), device)  # the host is gone
    assert chosen == ["cuda:1"]
    theirs.close()
