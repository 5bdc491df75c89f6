"""The command line: data to stdout, the rest to stderr, one sentence on an error, and the promised exit codes."""

import csv
import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces import cli
from tests.small_runs import Finished

NEEDS_FABRIC = pytest.mark.skipif(
    importlib.util.find_spec("lightning_fabric") is None, reason="needs pip install neuromosaic[fabric]"
)


def call(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def quiet(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capsys


# ---------------------------------------------------------------- start-up


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from neuromosaic.interfaces.cli import run; run(['--help']);"
        "heavy = {'torch', 'langgraph', 'litellm', 'sklearn', 'openai', 'numpy', 'pydantic'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "design" in done.stdout


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run([sys.executable, "-m", "neuromosaic", "runs", "--nope"], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"neuromosaic: No such option")


# ---------------------------------------------------------------- usage errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["desing"], "Did you mean 'design'"),
        (["show"], "Missing argument"),
        (["design"], "say what is needed"),
        (["design", "classify", "--data", "diggits"], "digits"),
        (["design", "missing.yaml"], "there is no brief missing.yaml"),
        (["design", "classify things"], "names no data"),
        (["design", "x", "--data", "iris", "--model", "Boss=openai/x"], "'Boss' is no role"),
        (["design", "x", "--data", "iris", "--model", "gpt"], "'gpt' names no model"),
        (["design", "x", "--data", "iris", "--device", "tpu"], "device"),
        (["show", "nope"], "'nope' is no run"),
        (["resume", "nope"], "'nope' is no run"),
        (["predict", "nowhere", "--data", "iris"], "is no delivered folder"),
        (["roles", "show", "Boss"], "there is no role 'Boss'"),
        (["data", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    quiet: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    captured = quiet.readouterr()
    last = captured.err.strip().splitlines()[-1]
    assert said in last
    assert last.startswith("neuromosaic: ")
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_a_fault_of_our_own_leaves_a_log_and_no_traceback(
    tmp_path: Path, quiet: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("neuromosaic.interfaces.inspect.list_runs", broken)
    assert call("runs", "--store", tmp_path) == 1
    error = quiet.readouterr().err
    assert "a fault of Neuromosaic itself (ZeroDivisionError: surprise)" in error
    assert "Traceback" not in error
    log = Path(error.split("report it with ")[1].strip())
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


def test_ctrl_c_is_exit_code_130(
    tmp_path: Path, quiet: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuromosaic.interfaces.inspect.list_runs", interrupted)
    assert call("runs", "--store", tmp_path) == 130
    assert "Traceback" not in quiet.readouterr().err


def test_main_ends_the_process_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting(*_: object, **__: object) -> None:
        error = NeuromosaicError("waits")
        error.exit_code = 3  # type: ignore[misc]
        raise error

    monkeypatch.setattr("neuromosaic.interfaces.inspect.list_runs", waiting)
    with pytest.raises(SystemExit) as ended:
        cli.main(["runs"])
    assert ended.value.code == 3


# ---------------------------------------------------------------- looking at runs


def test_runs_and_show_in_words_and_as_json(finished: Finished, quiet: pytest.CaptureFixture[str]) -> None:
    root, run = finished.store.root, finished.results.run
    assert call("runs", "--store", root) == 0
    assert run in quiet.readouterr().out
    assert call("runs", "--store", root, "--json") == 0
    assert json.loads(quiet.readouterr().out)[0]["id"] == run
    assert call("show", run[-4:], "--store", root) == 0
    shown = quiet.readouterr().out
    assert "red: the suite fails on hollow stubs" in shown
    assert finished.results.winner is not None
    assert finished.results.winner.name in shown
    assert call("show", run, "--store", root, "--json") == 0
    assert json.loads(quiet.readouterr().out)["results"]["status"] == "met"


def test_an_empty_store_says_so_on_stderr(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    assert call("runs", "--store", tmp_path) == 0
    captured = quiet.readouterr()
    assert captured.out == ""
    assert "no runs" in captured.err


def test_resume_of_a_finished_run_prints_its_results(finished: Finished, quiet: pytest.CaptureFixture[str]) -> None:
    assert call("resume", finished.results.run, "--store", finished.store.root, "--json") == 0
    assert json.loads(quiet.readouterr().out) == json.loads(finished.results.model_dump_json())


def test_what_does_not_wait_cannot_be_answered(finished: Finished, quiet: pytest.CaptureFixture[str]) -> None:
    assert call("answer", finished.results.run, "yes", "--store", finished.store.root) == 2
    assert "waits for nothing" in quiet.readouterr().err


def test_stop_delete_and_gc(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    run = store.create_run({"data": "iris"}, {})
    store.put(b"nobody needs this")
    assert call("stop", run, "--store", tmp_path) == 0
    assert "is not at work: it is interrupted" in quiet.readouterr().err
    with FileLock(tmp_path / f"{run}.lock"):
        assert call("stop", run, "--store", tmp_path) == 0
    assert store.events(run)[-1].kind == "stop.requested"
    store.set_status(run, "met")
    assert call("stop", run, "--store", tmp_path) == 0
    assert "is not at work: it is met" in quiet.readouterr().err
    assert call("delete", run, "--store", tmp_path) == 0
    assert store.runs() == []
    assert call("gc", "--store", tmp_path, "--json") == 0
    assert json.loads(quiet.readouterr().out) == {"files": 1, "bytes": 17}
    assert call("gc", "--store", tmp_path) == 0


# ---------------------------------------------------------------- data, roles, doctor, dry run


def test_data_says_what_is_understood(quiet: pytest.CaptureFixture[str]) -> None:
    assert call("data", "iris", "--json") == 0
    said = json.loads(quiet.readouterr().out)
    assert (said["kind"], said["task"], len(said["classes"])) == ("tabular", "classification", 3)
    assert call("data", "iris") == 0
    assert "classification" in quiet.readouterr().out


def test_roles_are_listed_shown_ejected_and_checked(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    assert call("roles", "list", "--store", tmp_path) == 0
    assert "NetworkArchitect" in quiet.readouterr().out
    assert call("roles", "eject", "trainer", "--store", tmp_path) == 0
    path = Path(quiet.readouterr().out.strip())
    assert call("roles", "show", "Trainer", "--store", tmp_path) == 0
    assert quiet.readouterr().out == path.read_text()
    assert call("roles", "eject", "trainer", "--store", tmp_path) == 2
    assert call("roles", "check", "--store", tmp_path) == 0
    assert "sound" in quiet.readouterr().out
    path.write_text(path.read_text().replace("description:", "descripton:"))
    assert call("roles", "check", "--store", tmp_path) == 1
    assert "description" in quiet.readouterr().out
    assert call("roles", "check", "--store", tmp_path, "--json") == 1
    assert json.loads(quiet.readouterr().out)[0]["severity"] == "error"


def test_roles_list_as_json_says_which_are_the_users_own(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    call("roles", "eject", "Compute", "--store", tmp_path)
    quiet.readouterr()
    assert call("roles", "list", "--store", tmp_path, "--json") == 0
    assert {row["name"] for row in json.loads(quiet.readouterr().out) if row["own"]} == {"Compute"}


def test_a_role_of_ones_own_is_listed_with_whom_it_advises(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agents").mkdir()
    text = "---\nname: Sensors\ndescription: ours\nadvises: Trainer\n---\nYou know them.\n"
    (tmp_path / "agents" / "any_name.md").write_text(text)
    call("roles", "list", "--store", tmp_path)
    assert "Sensors           yours     ours (advises Trainer)\n" in quiet.readouterr().out
    call("roles", "show", "Sensors", "--store", tmp_path)
    assert quiet.readouterr().out == text


def test_doctor_really_runs_something_in_the_sandbox(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    assert call("doctor", "--store", tmp_path, "--json") == 0
    said = {check["name"]: check for check in json.loads(quiet.readouterr().out)}
    assert all(check["ok"] for check in said.values())
    assert "boundary" in said["sandbox"]["said"]


def test_doctor_names_the_boundary_and_what_it_costs(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    call("doctor", "--store", tmp_path, "--json", "--boundary", "none")
    said = {check["name"]: check for check in json.loads(quiet.readouterr().out)}
    facts = said["sandbox"]["facts"]
    assert facts["boundary"] == "rlimits"
    assert facts["missing"] in said["sandbox"]["said"]
    assert 0 < facts["fork_ms"] < 1000
    assert 50 < facts["zygote_mb"] < 400
    assert facts["landlock_abi"] >= 0
    assert "facts" not in said["python"]


def test_doctor_refuses_less_than_what_is_asked_for(
    tmp_path: Path, quiet: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "neuromosaic.core.workers.bubblewrap.why_not", lambda _: "bubblewrap is not installed: install it"
    )
    assert call("doctor", "--store", tmp_path, "--boundary", "bubblewrap") == 1
    assert "bubblewrap is not installed: install it; or accept less" in quiet.readouterr().out


def test_an_unknown_boundary_is_a_usage_error(quiet: pytest.CaptureFixture[str]) -> None:
    assert call("predict", "nowhere", "--data", "iris", "--boundary", "paper") == 2
    assert "'auto', 'bubblewrap', 'landlock', 'seccomp', 'none'" in quiet.readouterr().err


def test_a_run_remembers_its_boundary_and_resume_may_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuromosaic.core.store.store import Store
    from neuromosaic.interfaces import design

    worked: list[str] = []
    monkeypatch.setattr(design, "_work", lambda store, run, *_, **__: worked.append(run) or 0)
    call("design", "tell irises apart", "--data", "iris", "--boundary", "seccomp", "--store", tmp_path)
    run = worked[-1]
    call("resume", run, "--store", tmp_path)
    assert Store(tmp_path).run(run).options["boundary"] == "seccomp"
    call("resume", run, "--boundary", "landlock", "--store", tmp_path)
    assert Store(tmp_path).run(run).options["boundary"] == "landlock"


def test_doctor_says_what_is_broken(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert call("doctor", "--store", tmp_path / "file") == 1
    assert "BAD store" in quiet.readouterr().out


def test_a_dry_run_trains_nothing_and_says_what_it_would_do(
    tmp_path: Path, quiet: pytest.CaptureFixture[str]
) -> None:
    arguments = ["design", "classify irises, under 2k parameters, 3 trials", "--data", "iris", "--dry-run"]
    assert call(*arguments, "--store", tmp_path / "store", "--json") == 0
    said = json.loads(quiet.readouterr().out)
    assert said["plan"]["trials"] == 3
    assert (said["model_calls_at_most"], said["cost_usd_at_most"]) == (0, 0.0)
    assert not (tmp_path / "store").exists()
    assert call(*arguments, "--model", "openai/x", "--store", tmp_path / "store") == 0
    told = quiet.readouterr().out
    assert "unknown (set --max-cost)" in told
    assert "(a guess, before anything but the machine was measured)" in told
    assert call(*arguments, "--minutes", 2, "--store", tmp_path / "store") == 0
    assert "120 s at most, as the brief says" in quiet.readouterr().out


# ---------------------------------------------------------------- a design from the command line


def test_design_prints_the_contract_and_ends_with_0(tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    code = call(
        "design", "tell irises apart, under 2k parameters", "--data", "iris", "--trials", 2, "--seed", 5, "--json",
        "--store", tmp_path / "store", "--out", tmp_path / "out",
    )  # fmt: skip
    captured = quiet.readouterr()
    results = json.loads(captured.out)
    assert (code, results["status"], results["seed"]) == (0, "met", 5)
    assert results == json.loads((tmp_path / "out" / "results.json").read_text())
    assert "NetworkArchitect" in captured.err


# ---------------------------------------------------------------- the delivered folder at work


def test_predict_gives_class_names_and_probabilities(
    finished: Finished, tmp_path: Path, quiet: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", finished.root / "out", "--data", "iris") == 0
    rows = list(csv.DictReader(io.StringIO(quiet.readouterr().out)))
    assert len(rows) == 150
    assert {row["prediction"] for row in rows} == {"setosa", "versicolor", "virginica"}
    assert all(0 < float(row["probability"]) <= 1 for row in rows)
    assert call("predict", finished.root / "out", "--data", "iris", "--out", tmp_path / "p.csv") == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 151
    assert call("predict", finished.root / "out", "--data", "iris", "--out", tmp_path / "p.csv") == 2
    assert "exists already" in quiet.readouterr().err
    assert call("predict", finished.root / "out", "--data", "iris", "--json") == 0
    assert len(json.loads(quiet.readouterr().out)) == 150


def test_predict_refuses_other_data(finished: Finished, quiet: pytest.CaptureFixture[str]) -> None:
    assert call("predict", finished.root / "out", "--data", "wine") == 2
    assert quiet.readouterr().err.startswith("neuromosaic: ")


@pytest.mark.parametrize(
    "options",
    [
        ["--from-scratch", "--epochs", "3"],
        pytest.param([], marks=pytest.mark.soak),
        pytest.param(["--devices", "2", "--accelerator", "cpu"], marks=[pytest.mark.soak, NEEDS_FABRIC]),
    ],
)
def test_retrain_writes_a_folder_like_the_first(
    finished: Finished, tmp_path: Path, options: list[str], quiet: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again"
    assert call("retrain", finished.root / "out", "--data", "iris", "--out", out, "--json", *options) == 0
    said = json.loads(quiet.readouterr().out)
    assert said["metrics"]["test_accuracy"] > 0.3
    assert (out / "model.py").read_text() == (finished.root / "out" / "model.py").read_text()
    assert call("predict", out, "--data", "iris", "--json") == 0
    assert call("retrain", finished.root / "out", "--data", "iris", "--out", out) == 2


def test_several_devices_need_the_extra(
    finished: Finished, tmp_path: Path, quiet: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuromosaic.core.judge import across

    monkeypatch.setattr(across.importlib.util, "find_spec", lambda _: None)
    options = ("--data", "iris", "--devices", "2", "--accelerator", "cpu", "--out", tmp_path / "again")
    assert call("retrain", finished.root / "out", *options) == 2
    assert "pip install 'neuromosaic[fabric]'" in quiet.readouterr().err


def test_a_damaged_folder_is_named(finished: Finished, tmp_path: Path, quiet: pytest.CaptureFixture[str]) -> None:
    for path in (finished.root / "out").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "weights.safetensors").write_bytes(b"no tensors")
    assert call("predict", tmp_path, "--data", "iris") == 2
    assert "damaged" in quiet.readouterr().err
