"""What becomes of a result: used, measured, made smaller, sent on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from neuromosaic.interfaces.commands.options import STORE, Boundary, Json, StoreOption, app


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
    devices: Annotated[int, typer.Option(min=1, help="Devices that train together; above 1 by Lightning Fabric.")] = 1,
    accelerator: Annotated[str, typer.Option(help="cuda or cpu; auto takes the best that is there.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for the result. Default: FOLDER-retrained.")] = None,
    boundary: Boundary = "auto",
    json: Json = False,
    store: StoreOption = STORE,
) -> None:  # fmt: skip
    """Train a delivered architecture on new data, from its weights or from scratch."""
    from neuromosaic.interfaces import use

    settings = use.Settings(from_scratch, epochs, seed, boundary, devices, accelerator)
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
