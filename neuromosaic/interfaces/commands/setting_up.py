"""The machine, the data, the models and the roles."""

from typing import Annotated

import typer

from neuromosaic.interfaces.commands.options import (
    STORE,
    ApiBase,
    Boundary,
    Group,
    Json,
    StoreOption,
    Target,
    Time,
    app,
    models_app,
    roles_app,
)


@app.command()
def doctor(boundary: Boundary = "auto", json: Json = False, store: StoreOption = STORE) -> None:
    """Check this machine: versions, device, sandbox, store, model keys."""
    from neuromosaic.interfaces import doctor as command

    raise typer.Exit(command.doctor(store, boundary, as_json=json))


@app.command()
def data(
    ref: Annotated[str, typer.Argument(help="A file, a folder, module:function, or a built-in set.")],
    target: Target = None,
    group: Group = None,
    time: Time = None,
    json: Json = False,
) -> None:
    """Show what is understood of a data set: kind, shapes, splits, classes, warnings."""
    from neuromosaic.interfaces import inspect

    inspect.describe_data(ref, target, group, time, as_json=json)


@models_app.command("check")
def check_models(
    models: Annotated[
        list[str] | None, typer.Argument(help="openai/NAME or PROVIDER/NAME. Default: those in neuromosaic.toml.")
    ] = None,
    api_base: ApiBase = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for one answer.")] = 60.0,
    json: Json = False,
) -> None:
    """Try what each model can do: schema, tools, prompted JSON, code blocks, context."""
    from neuromosaic.interfaces import models as command

    raise typer.Exit(command.check(models or [], api_base, timeout, as_json=json))


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
