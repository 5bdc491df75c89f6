"""The sandbox with real processes: what it returns, what it survives, what it does not let happen."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import CandidateError, ExportError, WorkerError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.tensors import from_numpy, to_torch
from neuromosaic.core.protocols import Job, Message, Program
from neuromosaic.core.sandbox.children import WarmProcess
from neuromosaic.core.sandbox.process import ProcessSandbox, suite_outcome
from neuromosaic.core.signature import Signature

SUITE = """\
import torch
from model import Model


def test_shape():
    print("x" * 100_000)
    assert Model()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_width():
    assert Model().state_dict()["features.0.weight"].shape[0] == 6


def test_fresh():
    one, other = Model(), Model()
    torch.nn.init.zeros_(one.head[2].weight) if hasattr(one.head, "__getitem__") else None
    assert one is not other and isinstance(one, Model)
"""


def program(body: str, top: str = "") -> Program:
    """A program whose forward begins with `body`."""
    source = f"""\
import ctypes, os, signal, socket, subprocess, sys, time
import torch
from torch import nn
{top}

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        {body}
        return self.head(x.flatten(1))
"""
    return Program(source, {}, 0)


def tells(expression: str) -> Program:
    """A program that says the value of an expression by raising it."""
    return program(f"raise ValueError(repr({expression}))")


def said(sandbox: ProcessSandbox, signature: Signature, expression: str) -> str:
    with pytest.raises(CandidateError) as caught:
        sandbox.export(tells(expression), signature)
    return str(caught.value).removeprefix("ValueError: ")


def graph_of(sandbox: ProcessSandbox, program: Program, signature: Signature) -> Graph:
    graph = sandbox.export(program, signature).graph
    assert graph is not None
    return graph


# ---------------------------------------------------------------- what it returns


def test_a_program_becomes_a_graph_with_the_weights_of_its_seed(
    sandbox: ProcessSandbox, cnn: Program, signature: Signature
) -> None:
    graphs = [graph_of(sandbox, cnn, signature) for _ in range(2)]
    other = graph_of(sandbox, Program(cnn.source, cnn.values, seed=2), signature)
    assert graphs[0] == graphs[1]
    assert other.document == graphs[0].document
    assert other.tensors != graphs[0].tensors
    assert rebuild(graphs[0]).eval()(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("class Model(", "syntax", 1),
        ("import nonesuch", "import", 1),
        ("x = 1", "no-model", None),
        (program("raise KeyError('here')").source, "forward-raised", 12),
        (program("pass").source.replace("super().__init__()", "1 / 0"), "constructor", 8),
    ],
)
def test_what_is_wrong_with_a_program_is_told_by_code_and_line(
    sandbox: ProcessSandbox, signature: Signature, source: str, code: str, line: int | None
) -> None:
    with pytest.raises(CandidateError) as caught:
        sandbox.export(Program(source, {}, 0), signature)
    assert not isinstance(caught.value, ExportError)
    assert (caught.value.code, caught.value.line) == (code, line)
    assert "Traceback" not in str(caught.value)


def test_what_runs_but_cannot_be_exported_says_why(sandbox: ProcessSandbox, signature: Signature) -> None:
    exported = sandbox.export(program("x = x if x.sum() > 0 else -x"), signature)
    assert exported.graph is None
    assert exported.obstacle is not None
    assert (exported.obstacle.code, exported.obstacle.line) == ("not-exportable", 12)
    assert exported.outputs[0].shape == (2, 10)


def test_a_suite_runs_on_the_programs_values(sandbox: ProcessSandbox, cnn: Program) -> None:
    outcome = sandbox.test(SUITE, cnn)
    assert outcome.green, outcome.messages
    narrow = sandbox.test(SUITE, Program(cnn.source, {}, 0))
    assert narrow.outcomes == {"test_shape": "passed", "test_width": "failed", "test_fresh": "passed"}
    assert "test_model.py line 11: AssertionError: assert 4 == 6" in narrow.messages["test_width"]


def test_a_suite_runs_on_a_graph_behind_the_same_name(
    sandbox: ProcessSandbox, cnn: Program, signature: Signature
) -> None:
    graph = graph_of(sandbox, cnn, signature)
    outcome = suite_outcome(sandbox.run(Job("test", graph, {"suite": SUITE})))
    assert outcome.green, outcome.messages
    suite = "import pytest\nfrom model import Model\ndef test_it():\n    Model(width=3)\n"
    refused = suite_outcome(sandbox.run(Job("test", graph, {"suite": suite})))
    assert "TypeError" in refused.messages["test_it"]


def test_a_suite_or_model_that_is_no_python_cannot_be_collected(sandbox: ProcessSandbox, cnn: Program) -> None:
    assert sandbox.test("def test_it(:", cnn).outcomes == {"collection": "error"}
    broken = sandbox.test(SUITE, Program("class Model(", {}, 0))
    assert broken.outcomes == {"collection": "error"}
    assert broken.messages["collection"].startswith("model.py line 1: SyntaxError")


def test_the_python_lane_trains_in_a_conversation(sandbox: ProcessSandbox, cnn: Program, contract: Contract) -> None:
    reports: list[Message] = []

    def converse(report: Message) -> Message:
        reports.append(report)
        return Message({"stop": len(reports) == 2, "keep": True})

    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((64, 1, 8, 8), dtype=np.float32), draw.integers(0, 10, 64)
    tensors = {"x": from_numpy(x), "y": from_numpy(y), "validation_x": from_numpy(x[:9])}
    arguments = {
        "contract": contract.model_dump(mode="json"), "recipe": Recipe(epochs=5).model_dump(mode="json"),
        "fidelity": 1.0, "seed": 0,
    }  # fmt: skip
    reply = sandbox.run(Job("train", cnn, arguments, tensors), converse)
    assert reply.body == {"epochs": 2, "cause": "stopped"}
    assert [report.tensors["outputs"].shape for report in reports] == [(9, 10)] * 2
    assert to_torch(reply.tensors["features.0.weight"]).shape == (6, 1, 3, 3)


def test_other_jobs_on_graphs_are_the_judges(sandbox: ProcessSandbox, cnn: Program, signature: Signature) -> None:
    with pytest.raises(ValueError, match="the judge does"):
        sandbox.run(Job("inspect", graph_of(sandbox, cnn, signature)))


# ---------------------------------------------------------------- what it survives


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_job_that_never_ends_is_killed_in_time(sandbox: ProcessSandbox, signature: Signature) -> None:
    assert sandbox.boundary
    for body in ("while True: pass", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"):
        began = time.monotonic()
        with pytest.raises(WorkerError, match=r"not done after 0\.7 s") as caught:
            sandbox.export(program(body), signature, timeout=0.7)
        assert caught.value.cause == "timeout"
        assert time.monotonic() - began < 1.7


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("os._exit(0)", "crash"),
        ("os._exit(7)", "crash"),
        ("ctypes.string_at(0)", "crash"),
        ("os.closerange(3, 200); time.sleep(60)", "crash"),
        ("os.closerange(3, 200); os._exit(0)", "crash"),
        ("[bytearray(10**8) for _ in range(10**4)]", "memory"),
    ],
)
def test_the_next_job_after_a_death_finds_everything_in_order(
    sandbox: ProcessSandbox, signature: Signature, body: str, cause: str
) -> None:
    with pytest.raises(WorkerError) as caught:
        sandbox.export(program(body), signature, timeout=20)
    assert caught.value.cause == cause
    assert said(sandbox, signature, "1 + 1") == "2"


@pytest.mark.parametrize("body", ["torch.ones(10**12)", "torch.cat([torch.ones(2**28) for _ in range(100)])"])
def test_tensors_that_do_not_fit_leave_a_graph_that_was_not_tried(
    sandbox: ProcessSandbox, signature: Signature, body: str
) -> None:
    exported = sandbox.export(program(body), signature, timeout=20)
    assert exported.graph is not None
    assert exported.exhausted
    assert (exported.inputs, exported.outputs) == ((), ())
    assert exported.described == ({"shape": [2, 1, 8, 8], "dtype": "float32"},)


def test_prints_and_noise_on_every_descriptor_do_not_reach_the_host(
    sandbox: ProcessSandbox, signature: Signature, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = "print('noise'); print('noise', file=sys.stderr); os.write(1, b'noise'); os.write(2, b'noise')"
    sandbox.export(program(noise), signature)
    assert capfd.readouterr() == ("", "")


def test_a_forged_frame_is_a_crash_or_a_result_but_never_an_error_of_ours(
    sandbox: ProcessSandbox, signature: Signature
) -> None:
    with pytest.raises(WorkerError) as caught:
        sandbox.export(program("[os.write(n, b'forged') for n in range(3, 30) if is_open(n)]", IS_OPEN), signature)
    assert caught.value.cause == "crash"


IS_OPEN = """
def is_open(n):
    import stat
    try:
        return stat.S_ISSOCK(os.fstat(n).st_mode)
    except OSError:
        return False
"""


@pytest.mark.parametrize("body", [{"outcomes": {"a": "won"}, "messages": {}}, {"outcomes": {}}, {"outcomes": 1}])
def test_an_outcome_that_is_none_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(WorkerError, match="no outcome"):
        suite_outcome(Message(body))


def test_threads_of_the_host_do_not_disturb_each_other(sandbox: ProcessSandbox, signature: Signature) -> None:
    def one(number: int) -> object:
        match number % 3:
            case 0:
                with pytest.raises(WorkerError):
                    sandbox.export(program("os._exit(1)"), signature)
                return number
            case 1:
                with pytest.raises(WorkerError):
                    sandbox.export(program("time.sleep(60)"), signature, timeout=0.3)
                return number
            case _:
                return int(said(sandbox, signature, f"{number}"))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(12))) == list(range(12))


@pytest.fixture(scope="module")
def unwalled() -> Iterator[ProcessSandbox]:
    """A sandbox of a host with a key, whose children have resource limits only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-secret")
        sandbox = ProcessSandbox(boundary="none")
        assert sandbox.boundary == "rlimits"
    yield sandbox
    sandbox.close()


def test_no_key_of_the_host_is_in_the_sandbox_or_its_parent(
    unwalled: ProcessSandbox, sandbox: ProcessSandbox, signature: Signature
) -> None:
    assert "secret" not in said(unwalled, signature, "sorted(os.environ.items())")
    assert "OMP_NUM" in said(unwalled, signature, "open('/proc/self/environ').read()[:400]")
    parents = "[line for line in open(f'/proc/{os.getppid()}/environ').read().split(chr(0)) if 'secret' in line]"
    assert said(unwalled, signature, parents) == "[]"
    assert said(unwalled, signature, "hash('a')") == said(sandbox, signature, "hash('a')")


def test_a_job_is_killed_with_all_that_it_started(
    unwalled: ProcessSandbox, signature: Signature, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    top = f"""
def start(session):
    started = subprocess.Popen(["sleep", "60"], start_new_session=session)
    open({str(note)!r}, "a").write(f"{{started.pid}} ")
"""
    for body in ("start(False); start(True); time.sleep(60)", "start(False); start(True); os._exit(0)"):
        with pytest.raises(WorkerError):
            unwalled.export(program(body, top), signature, timeout=2)
    started = [int(pid) for pid in note.read_text().split()]
    assert len(started) == 4
    assert not [pid for pid in started if is_running(pid)]


def test_a_warm_process_that_grew_old_or_died_is_replaced(
    unwalled: ProcessSandbox, signature: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = unwalled._warm
    monkeypatch.setattr("neuromosaic.core.sandbox.children.CHILDREN_PER_ZYGOTE", 1)  # it has grown old
    unwalled.export(program("pass"), signature)
    second = unwalled._warm
    assert second is not None
    assert second is not first
    second._process.kill()
    monkeypatch.setattr(WarmProcess, "usable", True)  # it dies after it was looked at
    with pytest.raises(WorkerError, match="cannot start") as caught:
        unwalled.export(program("pass"), signature)
    assert caught.value.cause == "setup"


def test_a_child_with_another_boundary_than_was_promised_does_no_job(
    unwalled: ProcessSandbox, signature: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(unwalled.__dict__, "boundary", "landlock+seccomp")
    with pytest.raises(WorkerError, match="not by landlock") as caught:
        unwalled.export(program("pass"), signature)
    assert caught.value.cause == "setup"


def test_a_closed_sandbox_takes_no_job(signature: Signature) -> None:
    sandbox = ProcessSandbox()
    sandbox.close()
    with pytest.raises(WorkerError, match="closed"):
        sandbox.export(program("pass"), signature)


def test_a_job_has_a_folder_of_its_own_and_one_thread(sandbox: ProcessSandbox, signature: Signature) -> None:
    assert said(sandbox, signature, "os.listdir('.')") == "['model.py']"
    assert "job-" in said(sandbox, signature, "os.environ['HOME']")
    assert said(sandbox, signature, "torch.get_num_threads()") == "1"
    assert said(sandbox, signature, "len(os.environ.keys() & {'PYTEST_CURRENT_TEST', 'VIRTUAL_ENV'})") == "0"


def test_a_warm_process_that_cannot_start_says_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "import sys\nsys.exit('no torch here')"
    monkeypatch.setattr("neuromosaic.core.workers.process.BOOTSTRAP", broken)
    with pytest.raises(WorkerError, match="no torch here") as caught:
        ProcessSandbox().export(Program("", {}, 0), Signature())
    assert caught.value.cause == "setup"


def test_a_job_that_fills_the_disk_is_ended(sandbox: ProcessSandbox, signature: Signature) -> None:
    named = "[open(str(n), 'wb').write(bytes(2 * 10**8)) for n in range(4)]; time.sleep(20)"
    unnamed = "kept = [(open(str(n), 'wb'), os.remove(str(n)))[0] for n in range(4)]"
    for body in (named, f"{unnamed}; [file.write(bytes(2 * 10**8)) for file in kept]; time.sleep(20)"):
        with pytest.raises(WorkerError, match="wrote more") as caught:
            sandbox.export(program(body), signature, timeout=30)
        assert caught.value.cause == "crash"


def test_what_the_boundary_costs_can_be_asked(sandbox: ProcessSandbox) -> None:
    condition = sandbox.condition(forks=3)
    assert condition.boundary == sandbox.boundary
    assert 0 < condition.fork_ms < 1000
    assert 50 < condition.memory_mb < 400


# ---------------------------------------------------------------- what it does not let happen


needs_guarded_files = pytest.mark.usefixtures("files_guarded")
needs_seccomp = pytest.mark.usefixtures("seccomp")


@pytest.fixture
def files_guarded(sandbox: ProcessSandbox) -> None:
    if "seccomp" not in sandbox.boundary:
        pytest.skip("nothing guards files here")


@pytest.fixture
def seccomp(sandbox: ProcessSandbox) -> None:
    if "seccomp" not in sandbox.boundary:
        pytest.skip("this kernel has no seccomp")


@needs_guarded_files
@pytest.mark.parametrize(
    "attempt",
    [
        "os.listdir('/')",
        "open('/etc/passwd').read()",
        "open('/proc/self/environ').read()",
        "open('/proc/1/cmdline').read()",
        "os.listdir('..')",
        "open('../forged', 'w')",
        "open('/dev/shm/x', 'w')",
        "open(torch.__file__, 'a')",
        "os.mknod('disk', 0o60600, os.makedev(8, 0))",
    ],
)
def test_files_outside_cannot_be_touched(sandbox: ProcessSandbox, signature: Signature, attempt: str) -> None:
    with pytest.raises(CandidateError, match=r"PermissionError|FileNotFoundError|NotADirectoryError|Read-only"):
        sandbox.export(program(attempt), signature)


@needs_seccomp
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "os.fork()",
        "subprocess.run(['true'])",
        "os.execv(sys.executable, ['python'])",
        "os.kill(os.getppid(), 0)",
        "os.kill(1, 9)",
        "__import__('resource').prlimit(os.getppid(), 7)",
    ],
)
def test_nothing_outside_can_be_reached(sandbox: ProcessSandbox, signature: Signature, attempt: str) -> None:
    with pytest.raises(CandidateError, match=r"PermissionError|BlockingIOError"):
        sandbox.export(program(attempt), signature)


def test_own_files_can_be_written_and_are_gone_afterwards(sandbox: ProcessSandbox, signature: Signature) -> None:
    write = "[open('a', 'w').write('x'), os.mkdir('b'), os.rename('a', 'b/a'), os.remove('b/a'), os.rmdir('b')] and "
    folder = said(sandbox, signature, f"{write} os.getcwd()").strip("'")
    assert "job-" in folder
    assert not Path(folder).exists()
