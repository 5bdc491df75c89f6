"""What a process does before it forks others."""

import gc
import mmap
import sys
import threading

import pytest
import torch

from neuromosaic.core.sandbox.warming import memory_mb, thread_count, warm


def test_threads_are_counted() -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert thread_count() > len(threads) or sys.platform != "linux"
    stop.set()
    for thread in threads:
        thread.join()


def test_warming_up_runs_what_children_need(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda _: None)  # once per process only
    monkeypatch.setattr(gc, "freeze", lambda: None)
    warm()
    assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells")
def test_memory_is_what_a_process_writes_to_not_what_it_reads_from_files() -> None:
    with mmap.mmap(-1, 100_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as pages:
        before = memory_mb()  # of pages nobody wrote to: they cost nothing yet
        pages.write(b"x" * 100_000_000)
        assert 90 < memory_mb() - before < 130
