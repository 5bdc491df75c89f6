"""What is designed: from a sentence, by talking, from files, in a space."""

from pathlib import Path
from typing import Annotated

import typer

from neuromosaic.interfaces.commands.options import (
    STORE,
    ApiBase,
    Boundary,
    DataOption,
    Group,
    Json,
    StoreOption,
    Target,
    Time,
    app,
)


@app.command()
def design(
    brief: Annotated[str | None, typer.Argument(help="A sentence, or a .yaml/.json file.")] = None,
    data: DataOption = None,
    target: Target = None,
    group: Group = None,
    time: Time = None,
    model: Annotated[list[str] | None, typer.Option(help="offline, openai/NAME, PROVIDER/NAME, or ROLE=NAME for one role; several are fallbacks.")] = None,
    api_base: ApiBase = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trainings of the search (as many again for the baseline).")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Time budget.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Most to spend on models, in US dollars.")] = None,
    loss: Annotated[str | None, typer.Option(help="path.py:Class, a loss of yours to train with: an nn.Module from (output, target) to a scalar; usual: the task's, and none is proposed.")] = None,
    strategy: Annotated[str | None, typer.Option(help="By which the families are searched: auto, bayesian, evolutionary, llm, ...")] = None,
    compress: Annotated[bool, typer.Option("--compress", help="Also make smaller networks from the finalists: pruned, taught, in int8 and bf16.")] = False,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    precision: Annotated[str | None, typer.Option(help="Of training: float32, bf16, fp16, or auto, the fastest as measured. Default: float32 on a CPU, else auto.")] = None,
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
    api_base: ApiBase = None,
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
    api_base: ApiBase = None,
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
