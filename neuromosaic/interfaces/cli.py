"""The command line. This file only declares; each command's work is loaded when it is called."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from neuromosaic.core.workers.boundary import Accepted

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
    help="Designs neural networks test-first: say what is needed, get tested, trained and measured PyTorch.",
)  # fmt: skip
roles_app = typer.Typer(no_args_is_help=True, help="The role files: who sits at the table, and what they are told.")
app.add_typer(roles_app, name="roles")
models_app = typer.Typer(no_args_is_help=True, help="The models behind the roles.")
app.add_typer(models_app, name="models")

Run = Annotated[str, typer.Argument(help="The run's id, or a unique beginning or end of it.")]
StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.", envvar="NEUROMOSAIC_STORE")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
DataOption = Annotated[
    str | None, typer.Option("--data", help="A file, a folder, module:function, or a built-in set.")
]
AROUND = "Least wall around proposed code, else nothing runs; none: resource limits alone."
Boundary = Annotated[Accepted, typer.Option("--boundary", help=AROUND)]
STORE = Path(".neuromosaic")


@app.command()
def design(
    brief: Annotated[str | None, typer.Argument(help="A sentence, or a .yaml/.json file.")] = None,
    data: DataOption = None,
    target: Annotated[str | None, typer.Option(help="Column to predict (tables).")] = None,
    group: Annotated[str | None, typer.Option(help="Column whose equal values stay in one split.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of time: the latest rows are the test split.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="offline, openai/NAME, PROVIDER/NAME, or ROLE=NAME for one role; several are fallbacks.")] = None,
    api_base: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.", envvar="OPENAI_BASE_URL")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trainings of the search (as many again for the baseline).")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Time budget.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Most to spend on models, in US dollars.")] = None,
    strategy: Annotated[str | None, typer.Option(help="By which the families are searched: auto, bayesian, evolutionary, llm, ...")] = None,
    compress: Annotated[bool, typer.Option("--compress", help="Also make smaller networks from the finalists, pruned and taught.")] = False,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="One seed, one result.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the result. Default: designs/RUN.")] = None,
    extend: Annotated[str | None, typer.Option(help="path.py:Class, a network of yours to start from and to beat; or hf:FOLDER of a Transformers model.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Its trained weights, a .safetensors file.")] = None,
    pr: Annotated[str | None, typer.Option(help="Your repository, a folder or an address: the result becomes a pull request there.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve the brief as understood, and the pull request.")] = False,
    boundary: Boundary = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, how long and at what cost.")] = False,
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Design a network: from a brief to tested, trained and measured PyTorch."""
    from neuromosaic.interfaces import design as command

    wanted = command.Wanted(**{name: value for name, value in locals().items() if name in command.Wanted._fields})
    if dry_run:
        command.dry_run(store, wanted, as_json=json)
    else:
        raise typer.Exit(command.design(store, wanted, as_json=json))


@app.command()
def chat(
    run: Annotated[
        str | None, typer.Argument(help="A run to talk about; without it the first words begin one.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="As for design.")] = None,
    api_base: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server.", envvar="OPENAI_BASE_URL")
    ] = None,
    boundary: Boundary = "auto",
    store: StoreOption = STORE,
) -> None:
    """Talk about what is needed, watch it come about, and change it on the way."""
    from neuromosaic.interfaces.chat.terminal import chat as command
    from neuromosaic.interfaces.design import Wanted, options_of

    options = options_of(Wanted(model=model, api_base=api_base, boundary=boundary), store)
    raise typer.Exit(command(store, run, options))


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Python files with a network each, or folders of them.")],
    input: Annotated[list[str] | None, typer.Option("--input", help="Without its batch axis: 3x32x32, 64:int64<1000 (ids), 16:bool. Several for several arguments. Not given: the file's get_inputs().")] = None,
    output: Annotated[list[str] | None, typer.Option("--output", help="What forward returns, likewise: 10.")] = None,
    entry: Annotated[str | None, typer.Option(help="The class. Default: Model, or the only one that no other uses.")] = None,
    init: Annotated[str | None, typer.Option(help='Constructor arguments in JSON: {"width": 32} or [32]. Default: the file\'s get_init_inputs(), or none.')] = None,
    tests: Annotated[Path | None, typer.Option(help="A pytest file that imports Model from model.")] = None,
    task: Annotated[str | None, typer.Option(help="classification, multi_label, regression, language_modelling, forecasting, sequence_labelling, node_classification, segmentation or metric_learning.")] = None,
    loss: Annotated[str | None, typer.Option(help="cross_entropy, binary_cross_entropy (of raw scores), mse, huber, contrastive or triplet (of embeddings). Default: the task's.")] = None,
    constraint: Annotated[list[str] | None, typer.Option(help="params<200k, flops<10M, memory<64MB.")] = None,
    batch_axis: Annotated[str | None, typer.Option(help="Axis of the batch, from 0, or none. Default: the first.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one step may take.")] = 60.0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Files at a time. Default: one per core, at most 4.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
) -> None:  # fmt: skip
    """Check networks in Python files: do they build, learn, leak, fit? Nothing of them is believed."""
    from neuromosaic.interfaces import validate as command

    wanted = command.Wanted(**{name: value for name, value in locals().items() if name in command.Wanted._fields})
    raise typer.Exit(command.validate(wanted, as_json=json))


@app.command()
def search(
    space: Annotated[str, typer.Argument(help="A .toml, .yaml or .json file, .txt with a template of networks, or module:object.")],
    evaluator: Annotated[str, typer.Option(help="module:function (config -> figures), module:Class of an evaluator; or training.")],
    data: Annotated[str | None, typer.Option(help="What training trains on: digits, a file, a folder, module:function.")] = None,
    task: Annotated[str | None, typer.Option(help="Where the data leave it open.")] = None,
    search_recipe: Annotated[bool, typer.Option("--search-recipe", help="How to train is searched as well.")] = False,
    evaluator_option: Annotated[list[str] | None, typer.Option(help='NAME=VALUE, of training: metric=macro_f1, recipe={"epochs": 5}.')] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="End after so many. Default: 100, or none with --minutes.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.001, help="Begin no trial after that time.")] = None,
    strategy: Annotated[str, typer.Option(help="auto, random, grid, bayesian, llm, ...")] = "auto",
    model: Annotated[list[str] | None, typer.Option(help="Whom --strategy llm asks: as for design.")] = None,
    api_base: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.", envvar="OPENAI_BASE_URL")] = None,
    pruner: Annotated[str | None, typer.Option(help="median, asha, hyperband, ...; the evaluator must take report or fidelity.")] = None,
    executor: Annotated[str, typer.Option(help="sequential, threads, processes, ray or dask.")] = "sequential",
    workers: Annotated[int, typer.Option(min=1, help="Trials at a time.")] = 2,
    maximize: Annotated[list[str] | None, typer.Option(help="A metric that is to be large.")] = None,
    minimize: Annotated[list[str] | None, typer.Option(help="A metric that is to be small.")] = None,
    constraint: Annotated[list[str] | None, typer.Option(help='"params <= 20000"')] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, of the strategy or the pruner.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="Seconds that a trial may take.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one result.")] = 0,
    name: Annotated[str, typer.Option(help="The search's name in the store.")] = "search",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the latest search of that name.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End where the executor cannot be had, instead of taking another.")] = False,
    address: Annotated[str | None, typer.Option(help="Of a Ray or Dask cluster.")] = None,
    export: Annotated[Path | None, typer.Option(help="Also write the trials: .csv, .json, or .db for optuna-dashboard.")] = None,
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Search a space with an evaluator of your own, or by training its networks."""
    from neuromosaic.interfaces import search as command

    trials = 100 if trials is None and minutes is None else trials
    wanted = command.Wanted(**{name: value for name, value in locals().items() if name in command.Wanted._fields})
    raise typer.Exit(command.search(store, wanted, as_json=json))


@app.command()
def runs(json: Json = False, store: StoreOption = STORE) -> None:
    """List all runs, the latest first."""
    from neuromosaic.interfaces import inspect

    inspect.list_runs(store, as_json=json)


@app.command()
def show(run: Run, json: Json = False, store: StoreOption = STORE) -> None:
    """Show a run: its brief, its history and its results."""
    from neuromosaic.interfaces import inspect

    inspect.show(store, run, as_json=json)


@app.command()
def logs(run: Run, json: Json = False, store: StoreOption = STORE) -> None:
    """List a run's calls to models: role, prompt hash, model, settings, tokens, cost, latency."""
    from neuromosaic.interfaces import logs as command

    command.logs(store, run, as_json=json)


@models_app.command("check")
def check_models(
    models: Annotated[
        list[str] | None, typer.Argument(help="openai/NAME or PROVIDER/NAME. Default: those in neuromosaic.toml.")
    ] = None,
    api_base: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server.", envvar="OPENAI_BASE_URL")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for one answer.")] = 60.0,
    json: Json = False,
) -> None:
    """Try what each model can do: schema, tools, prompted JSON, code blocks, context."""
    from neuromosaic.interfaces import models as command

    raise typer.Exit(command.check(models or [], api_base, timeout, as_json=json))


@app.command()
def resume(
    run: Run,
    boundary: Annotated[
        Accepted | None, typer.Option("--boundary", help=f"{AROUND} Default: as the run began.")
    ] = None,
    json: Json = False,
    store: StoreOption = STORE,
) -> None:
    """Go on with an interrupted run; nothing finished is repeated."""
    from neuromosaic.interfaces import design as command

    raise typer.Exit(command.resume(store, run, None, as_json=json, boundary=boundary))


@app.command()
def approve(
    run: Run,
    edit: Annotated[bool, typer.Option("--edit", help="Open the brief in $EDITOR first.")] = False,
    json: Json = False,
    store: StoreOption = STORE,
) -> None:
    """Approve a waiting run's brief, and go on."""
    from neuromosaic.interfaces import design as command

    raise typer.Exit(command.approve(store, run, edit=edit, as_json=json))


@app.command()
def answer(
    run: Run, text: Annotated[str, typer.Argument(help="What was missing.")], json: Json = False, store: StoreOption = STORE
) -> None:  # fmt: skip
    """Answer a waiting run's question, and go on."""
    from neuromosaic.interfaces import design as command

    raise typer.Exit(command.resume(store, run, {"answer": text}, as_json=json))


@app.command()
def stop(run: Run, store: StoreOption = STORE) -> None:
    """Ask a run at work to end with the best so far."""
    from neuromosaic.interfaces import inspect

    inspect.stop(store, run)


@app.command()
def delete(run: Run, store: StoreOption = STORE) -> None:
    """Delete a run from the store; delivered folders stay."""
    from neuromosaic.interfaces import inspect

    inspect.delete(store, run)


@app.command()
def gc(json: Json = False, store: StoreOption = STORE) -> None:
    """Delete stored files that no run needs."""
    from neuromosaic.interfaces import inspect

    inspect.collect_garbage(store, as_json=json)


@app.command()
def doctor(boundary: Boundary = "auto", json: Json = False, store: StoreOption = STORE) -> None:
    """Check this machine: versions, device, sandbox, store, model keys."""
    from neuromosaic.interfaces import doctor as command

    raise typer.Exit(command.doctor(store, boundary, as_json=json))


@app.command()
def data(
    ref: Annotated[str, typer.Argument(help="A file, a folder, module:function, or a built-in set.")],
    target: Annotated[str | None, typer.Option(help="Column to predict (tables).")] = None,
    group: Annotated[str | None, typer.Option(help="Column whose equal values stay in one split.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of time: the latest rows are the test split.")] = None,
    json: Json = False,
) -> None:
    """Show what is understood of a data set: kind, shapes, splits, classes, warnings."""
    from neuromosaic.interfaces import inspect

    inspect.describe_data(ref, target, group, time, as_json=json)


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="A delivered folder.")],
    data: Annotated[str, typer.Option("--data", help="New data of the same kind.")],
    out: Annotated[Path | None, typer.Option(help="CSV file to write; else stdout.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
) -> None:
    """Run a delivered network on new data, preprocessing and class names included."""
    from neuromosaic.interfaces import use

    use.predict(folder, data, out, as_json=json, boundary=boundary)


@app.command()
def retrain(
    folder: Annotated[Path, typer.Argument(help="A delivered folder.")],
    data: Annotated[str, typer.Option("--data", help="New data of the same kind.")],
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="New initial weights, not the delivered ones.")] = False,
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Default: as in the delivered recipe.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the result. Default: FOLDER-retrained.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Train a delivered architecture on new data, from its weights or from scratch."""
    from neuromosaic.interfaces import use

    settings = use.Settings(from_scratch=from_scratch, epochs=epochs, seed=seed, boundary=boundary)
    use.retrain(store, folder, data, out, settings, as_json=json)


@app.command()
def measure(
    folder: Annotated[Path, typer.Argument(help="A delivered folder.")],
    batch: Annotated[list[int] | None, typer.Option("--batch", help="May be given several times. Default: 1, 8 and 64.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
) -> None:  # fmt: skip
    """Measure a delivered network here: latency, throughput by batch, share of what the machine can do."""
    from neuromosaic.interfaces import measuring

    measuring.measure(folder, batch or (1, 8, 64), as_json=json, boundary=boundary)


@app.command()
def compress(
    folder: Annotated[Path, typer.Argument(help="A delivered folder.")],
    data: Annotated[str, typer.Option("--data", help="The data that it was made for.")],
    share: Annotated[list[float] | None, typer.Option("--share", help="Of the widths; may be given several times. Default: 0.5 and 0.25.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the variants. Default: FOLDER-compressed.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Narrower variants of a delivered network: pruned, taught by it, measured beside it."""
    from neuromosaic.interfaces import compressing

    compressing.compress(store, folder, data, share or (0.5, 0.25), out, as_json=json, boundary=boundary)


@app.command()
def pr(
    run: Annotated[str, typer.Argument(help="A run's id, or a delivered folder.")],
    repo: Annotated[str, typer.Option(help="The repository: a folder with a git clone, or an address to clone from.")] = ".",
    candidate: Annotated[str | None, typer.Option(help="Another certified candidate, by id or name.")] = None,
    into: Annotated[str | None, typer.Option(help="Folder for it, like src/models. Default: where networks are kept.")] = None,
    name: Annotated[str | None, typer.Option(help="What it is called there. Default: as its data.")] = None,
    branch: Annotated[str | None, typer.Option(help="Default: neuromosaic/NAME-RUN.")] = None,
    base: Annotated[str | None, typer.Option(help="Branch that it goes into. Default: the main one.")] = None,
    check: Annotated[str | None, typer.Option(help="Command that runs the repository's tests; none: do not. Default: found out.")] = None,
    forge: Annotated[Literal["github", "gitlab", "gitea", "none"] | None, typer.Option(help="github, gitlab, gitea or none. Default: by the remote's address.")] = None,
    ready: Annotated[bool, typer.Option("--ready", help="Not as a draft.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Only bring an existing one up to date.")] = False,
    boundary: Boundary = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Open a pull request with a run's network, its tests and its evidence, in your own repository."""
    from neuromosaic.delivery.pull_requests.proposing import Wanted
    from neuromosaic.interfaces import pr as command

    wanted = Wanted(into, name, branch, base, check, ready, update)
    request = command.Request(run, repo, candidate, wanted, forge, boundary)
    command.pull_request(store, request, as_json=json, dry_run=dry_run)


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="A run's id, or a delivered folder.")],
    to: Annotated[list[str], typer.Option(help="safetensors, source, torch-export, torchscript, onnx, int8 or bf16; several are possible.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the result. Default: exports/RUN.")] = None,
    data: Annotated[str | None, typer.Option(help="For int8 and bf16: where the run's data are now, if they were moved.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Write a run's network in other formats, each opened again by another process and compared with model.py."""
    from neuromosaic.interfaces import export as command

    command.export(store, command.Request(run, to, out, data, boundary), as_json=json)


@roles_app.command("list")
def list_roles(json: Json = False, store: StoreOption = STORE) -> None:
    """List the roles and where their files are."""
    from neuromosaic.interfaces import roles

    roles.list_roles(store, as_json=json)


@roles_app.command("show")
def show_role(
    role: Annotated[str, typer.Argument(help="TestArchitect, NetworkArchitect, ...")], store: StoreOption = STORE
) -> None:
    """Print a role's file."""
    from neuromosaic.interfaces import roles

    roles.show(store, role)


@roles_app.command("eject")
def eject_role(
    role: Annotated[str, typer.Argument(help="TestArchitect, NetworkArchitect, ...")], store: StoreOption = STORE
) -> None:
    """Copy a role's file to the store's agents folder, to be changed there."""
    from neuromosaic.interfaces import roles

    roles.eject(store, role)


@roles_app.command("check")
def check_roles(json: Json = False, store: StoreOption = STORE) -> None:
    """Check your own role files."""
    from neuromosaic.interfaces import roles

    raise typer.Exit(roles.check(store, as_json=json))


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and ends the process with its exit code: one sentence on an error, never a traceback."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """A command's exit code: 0, 1 failed, 2 usage, 3 waiting for approval, 130 interrupted."""
    from neuromosaic.core.errors import NeuromosaicError

    try:
        code: Any = app(args=arguments, standalone_mode=False, prog_name="neuromosaic")
    except NeuromosaicError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; `neuromosaic runs` lists what can be resumed", 130)
    except Exception as error:  # noqa: BLE001 - the last line of defence between a user and a traceback
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _unexpected(error: Exception) -> int:
    if hasattr(error, "format_message"):  # click's own: wrong option, missing argument
        return _say(error.format_message(), getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        return _say("interrupted", 130)
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="neuromosaic-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    return _say(
        f"a fault of Neuromosaic itself ({type(error).__name__}: {error}): please report it with {file.name}", 1
    )


def _say(message: str, code: int) -> int:
    print(f"neuromosaic: {message}", file=sys.stderr)
    return code
