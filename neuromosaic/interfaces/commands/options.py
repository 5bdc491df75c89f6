"""The program, its groups of commands, and the options that several commands share."""

from pathlib import Path
from typing import Annotated

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
Target = Annotated[str | None, typer.Option(help="Column to predict (tables).")]
Group = Annotated[str | None, typer.Option(help="Column whose equal values stay in one split.")]
Time = Annotated[str | None, typer.Option(help="Column of time: the latest rows are the test split.")]
ApiBase = Annotated[
    str | None, typer.Option("--api-base", help="Address of an OpenAI-compatible server.", envvar="OPENAI_BASE_URL")
]
AROUND = "Least wall around proposed code, else nothing runs; none: resource limits alone."
Boundary = Annotated[Accepted, typer.Option("--boundary", help=AROUND)]
STORE = Path(".neuromosaic")
