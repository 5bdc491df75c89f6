"""Where the brief and the data say different things."""

from neuromosaic.core.brief import Brief, Contract, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.inputs import ImageInputs, TabularInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.spelling import sized
from neuromosaic.core.tasks import BY_POSITION, CALLED, FORMS, outputs_of


def check_agreement(brief: Brief, preprocessing: Preprocessing, name: str) -> None:
    """Raises DataError naming both sides where the brief's task, input or output is not that of the data."""
    contract = preprocessing.contract
    if brief.task is not None and brief.task != contract.task:
        raise DataError(f"the brief asks for {brief.task}, but {name} is prepared for {contract.task}: correct one")
    if brief.latent is not None and brief.latent != contract.latent:
        kept = f"codes of {contract.latent}" if contract.latent else f"{contract.task}, which has no codes"
        raise DataError(f"the brief says a latent of {brief.latent}, but {name} is prepared for {kept}: correct one")
    if brief.generative is not None and brief.generative != contract.generative:
        kept = CALLED[contract.generative] if contract.generative else contract.task
        asked = CALLED[brief.generative]
        raise DataError(f"the brief asks for {asked}, but {name} is prepared for {kept}: correct one")
    if brief.input is not None and not _input_agrees(brief.input, preprocessing):
        raise DataError(f"the brief says {_input(brief.input)}, but {name} has {_input(contract.input)}: correct one")
    if brief.output is not None and not _output_agrees(brief.output, contract):
        raise DataError(
            f"the brief says {_output(brief.output, contract)}, but {name} has {_output(contract.output, contract)}: "
            "correct one"
        )


def _input_agrees(said: TensorSpec, preprocessing: Preprocessing) -> bool:
    """A grey image's channel and a series' features may go unsaid, a table's columns be counted before one-hot
    coding."""
    inputs, found = preprocessing.inputs, preprocessing.contract.input
    shapes = [found.shape]
    if isinstance(inputs, ImageInputs) and found.shape[0] == 1:
        shapes.append(found.shape[1:])
    if isinstance(inputs, TabularInputs):
        shapes.append((len(inputs.columns) + len(inputs.categories),))
    if preprocessing.task == "forecasting":
        shapes.append(found.shape[:1])
    return said.shape in shapes and (said.upper is None or said.upper == found.upper)


def _output_agrees(said: TensorSpec, contract: Contract) -> bool:
    """Where each position has an answer, the positions may go unsaid."""
    found = contract.output.shape
    return said.shape == found or (contract.task in BY_POSITION and said.shape == (outputs_of(contract),))


def _input(spec: TensorSpec) -> str:
    upper = f" with ids below {spec.upper}" if spec.upper is not None else ""
    return f"inputs of {sized(spec.shape)}{upper}"


def _output(spec: TensorSpec, contract: Contract) -> str:
    return f"{sized(spec.shape)} {FORMS[contract.task].outputs}"
