"""Contracts, hardware and requests that the tests of the offline designer share."""

from typing import Any

from neuromosaic.core.brief import Brief, Contract, TensorSpec
from neuromosaic.core.role_inputs import DataSummary, FamilyInputs, Hardware


def contract(
    task: Any, kind: Any, shape: tuple[int, ...], output: tuple[int, ...], upper: int | None = None
) -> Contract:
    given = TensorSpec(shape=shape, dtype="float32" if upper is None else "int64", upper=upper)
    return Contract(task=task, kind=kind, input=given, output=TensorSpec(shape=output))


DIGITS = contract("classification", "image", (1, 8, 8), (10,))
TINY = contract("classification", "image", (3, 4, 5), (2,))
MNIST = contract("classification", "image", (1, 28, 28), (10,))
COLOUR = contract("regression", "image", (3, 32, 24), (2,))
HOUSES = contract("regression", "tabular", (8,), (1,))
FLOWERS = contract("classification", "tabular", (4,), (3,))
MOTION = contract("classification", "sequence", (24, 6), (5,))
LETTERS = contract("language_modelling", "text", (16,), (16, 40), upper=40)
TAGS = contract("multi_label", "image", (1, 8, 8), (3,))
STEPS = contract("sequence_labelling", "sequence", (12, 3), (12, 3))
PIXELS = contract("segmentation", "image", (2, 9, 10), (3, 9, 10))
MOLECULES = contract("classification", "graph", (7, 10), (3,))
NETWORK = contract("node_classification", "graph", (7, 10), (7, 3))
PICTURES = contract("generation", "image", (1, 8, 8), (1, 8, 8)).model_copy(
    update={"latent": 4, "generative": "autoencoder"}
)
ROWS = contract("generation", "tabular", (10,), (10,)).model_copy(update={"latent": 3, "generative": "autoencoder"})
FLOW = contract("generation", "tabular", (6,), (6,)).model_copy(update={"latent": 6, "generative": "flow"})
FLOW_OF_PICTURES = contract("generation", "image", (1, 8, 8), (1, 8, 8)).model_copy(
    update={"latent": 64, "generative": "flow"}
)
DIFFUSION = contract("generation", "tabular", (6,), (6,)).model_copy(update={"generative": "diffusion"})
DIFFUSION_OF_PICTURES = contract("generation", "image", (1, 8, 8), (1, 8, 8)).model_copy(
    update={"generative": "diffusion"}
)
IN_TURN = contract("generation", "tabular", (6,), (6,)).model_copy(update={"generative": "autoregressive"})
PIXELS_IN_TURN = contract("generation", "image", (1, 8, 8), (1, 8, 8)).model_copy(
    update={"generative": "autoregressive"}
)
COLOURS_IN_TURN = contract("generation", "image", (2, 4, 3), (2, 4, 3)).model_copy(
    update={"generative": "autoregressive"}
)
GAN = contract("generation", "tabular", (6,), (6,)).model_copy(update={"latent": 4, "generative": "gan"})
GAN_OF_PICTURES = contract("generation", "image", (1, 8, 8), (1, 8, 8)).model_copy(
    update={"latent": 8, "generative": "gan"}
)
REVIEWS = contract("classification", "text", (20,), (2,), upper=40)

CONTRACTS = {
    "digits": DIGITS, "tiny": TINY, "mnist": MNIST, "colour": COLOUR, "houses": HOUSES, "flowers": FLOWERS,
    "motion": MOTION, "steps": STEPS, "pixels": PIXELS, "pictures": PICTURES, "rows": ROWS,
    "flow": FLOW, "flow_of_pictures": FLOW_OF_PICTURES, "diffusion": DIFFUSION,
    "diffusion_of_pictures": DIFFUSION_OF_PICTURES, "gan": GAN, "gan_of_pictures": GAN_OF_PICTURES,
    "in_turn": IN_TURN, "pixels_in_turn": PIXELS_IN_TURN, "colours_in_turn": COLOURS_IN_TURN,
    "molecules": MOLECULES, "network": NETWORK, "letters": LETTERS, "reviews": REVIEWS,
}  # fmt: skip

LAPTOP = Hardware(device="cpu", name="test CPU", cores=2, memory_gb=8.0, gflops=60.0)
ACCELERATOR = Hardware(device="cuda", name="test GPU", cores=16, memory_gb=80.0, gflops=20_000.0)


def summary(contract: Contract, train: int = 1_257, **more: Any) -> DataSummary:
    return DataSummary(name="test data", kind=contract.kind, train=train, validation=270, test=270, **more)


def family_inputs(contract: Contract, brief: Brief | None = None, **more: Any) -> FamilyInputs:
    given = {"hardware": LAPTOP, "slot": 0, "slots": 3, "data": summary(contract), **more}
    return FamilyInputs(brief=brief or Brief(), contract=contract, **given)
