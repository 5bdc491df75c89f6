"""Writes a family's source for a contract: its template, with the contract's numbers and the point's values."""

import dataclasses
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromosaic.core.brief import Contract, Task
from neuromosaic.core.space.parameters import CategoricalParameter, IntParameter, Parameter, Point
from neuromosaic.core.tasks import FORMS, outputs_of
from neuromosaic.llm.offline.family import Family

if TYPE_CHECKING:
    from jinja2 import Environment


def write_source(family: Family, contract: Contract, point: Point) -> str:
    """The module `model.py`; `point` holds a value for every argument that the contract does not fix."""
    template = environment().get_template(f"families/{family.template}.txt")
    return template.render({**facts(contract), **point})


@cache
def environment() -> "Environment":
    """Finds the templates of this package. Loaded on first use: jinja2 costs start-up time."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # the templates are ours and write Python: there is nothing to escape
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def facts(contract: Contract) -> dict[str, Any]:
    """What the templates say about the contract, by the names that they use."""
    form = FORMS[contract.task]
    return {
        "task": contract.task,
        "kind": contract.kind,
        "purpose": _purpose(contract),
        "outputs": outputs_of(contract),
        "outputs_name": "classes" if contract.task == "language_modelling" else form.outputs,
        "scores": _scores(contract),
        "per_step": contract.task in ("language_modelling", "sequence_labelling", "node_classification"),
        "causal": contract.task == "language_modelling",
        "ids": contract.input.dtype == "int64",
        **_input_facts(contract),
    }


def _scores(contract: Contract) -> str:
    """What the outputs are, in a docstring."""
    if contract.task == "metric_learning":
        return "an embedding whose direction counts"
    return "raw scores (logits)" if FORMS[contract.task].scores else "the targets in their scaled units"


def adapted(family: Family, contract: Contract) -> Family:
    """The family with the choices that hang on the size of an example: stages, stem, kernels, reach."""
    if "latent" in family.values and contract.latent is not None:
        family = dataclasses.replace(family, values={**family.values, "latent": contract.latent})
    if "stages" in family.values:
        return _adapted_to_image(family, min(contract.input.shape[-2:]))
    if family.template in ("unet", "dilated_cnn", "conv_vae", "diffusion_unet", "conv_gan"):
        deepest = max(1, int(math.log2(max(2, min(contract.input.shape[-2:]))))) - (family.template == "dilated_cnn")
        most = max(1, min(family.depth.most, deepest))
        return dataclasses.replace(
            family, depth=dataclasses.replace(family.depth, usual=min(family.depth.usual, most), most=most)
        )
    if family.template == "tcn":
        reach = max(1, math.ceil(math.log2((contract.input.shape[0] + 1) / 2)))
        depth = dataclasses.replace(family.depth, usual=min(reach, family.depth.most))
        return dataclasses.replace(family, depth=depth)
    return family


_THINGS = {
    "image": "images", "tabular": "rows of a table", "sequence": "sequences", "text": "text", "graph": "graphs",
}  # fmt: skip

_PLACES: dict[Task, str] = {"node_classification": "node", "sequence_labelling": "step", "segmentation": "pixel"}


def _purpose(contract: Contract) -> str:
    outputs = outputs_of(contract)
    things = _THINGS[contract.kind]
    if contract.task == "language_modelling":
        return "Predicts the next character at each step of a text from those before it."
    if contract.task == "forecasting":
        return f"Forecasts the next {outputs} {'value' if outputs == 1 else 'values'} of a series from its past."
    if contract.task == "metric_learning":
        return f"Embeds {things} in {outputs} dimensions, those of one class close together."
    if contract.task == "generation":
        return f"Makes {things} like those that it was shown, {_source(contract)}."
    if contract.task in _PLACES:
        return f"Classifies each {_PLACES[contract.task]} of {things} into {outputs} classes."
    if contract.task == "classification":
        return f"Classifies {things} into {outputs} classes."
    if contract.task == "multi_label":
        return f"Says which of {outputs} {'label applies' if outputs == 1 else 'labels apply'} to {things}."
    return f"Predicts {outputs} {'value' if outputs == 1 else 'values'} from {things}."


def _source(contract: Contract) -> str:
    """What an example is made of."""
    if contract.generative == "autoregressive":
        return "value after value"
    return f"each of a code of {contract.latent} numbers" if contract.latent else "each of noise"


def _input_facts(contract: Contract) -> dict[str, Any]:
    shape = contract.input.shape
    known: dict[str, Any] = {
        "input_shape": ", ".join(map(str, shape)),
        "in_features": math.prod(shape),
        "flattened": ", flattened" if len(shape) > 1 else "",
        "steps": shape[0],
        "steps_only": len(shape) == 1,
        "ones": ", ".join("1" for _ in shape),
        "latent": contract.latent,
        "generative": contract.generative,
        "vocabulary": contract.input.upper or contract.output.shape[-1],
    }
    if contract.kind == "image":
        known |= {"in_channels": shape[0], "height": shape[-2], "image_width": shape[-1]}
    if contract.kind == "graph":
        known |= {"nodes": shape[0], "node_features": shape[1] - shape[0]}
    if contract.kind == "sequence":
        known |= {"step_features": math.prod(shape[1:])}
    return known


def _adapted_to_image(family: Family, side: int) -> Family:
    """As many halvings as leave about four pixels a side; a stem that spares larger images most of the work."""
    stem_stride = 1 if side < 20 else 2 if side < 96 else 4
    inside = math.ceil(side / stem_stride)
    stages = min(4, 1 + max(0, int(math.log2(inside / 3.5))))
    deepest = max(stages, min(4, int(math.log2(max(2, inside)))))
    values = {**family.values, "stages": stages, "stem_stride": stem_stride}
    if "kernel" in values:
        values["kernel"] = min(int(values["kernel"]), 3 if inside < 7 else 5)
    return dataclasses.replace(
        family,
        values=values,
        options={name: _small_enough(name, parameter, inside) for name, parameter in family.options.items()},
        later={
            **{name: _small_enough(name, parameter, inside) for name, parameter in family.later.items()},
            "stages": IntParameter(min=max(1, stages - 1), max=min(stages + 1, deepest)),
        },
    )


def _small_enough(name: str, parameter: Parameter, side: int) -> Parameter:
    if name != "kernel" or not isinstance(parameter, CategoricalParameter):
        return parameter
    return CategoricalParameter(values=tuple(size for size in parameter.values if int(size) <= max(3, side - 1)))
