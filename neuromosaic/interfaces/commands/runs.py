"""Runs: what there is of them, and how they go on."""

from typing import Annotated

import typer

from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.interfaces.commands.options import AROUND, STORE, Json, Run, StoreOption, app


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
