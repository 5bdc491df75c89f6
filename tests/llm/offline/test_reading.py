"""A sentence becomes a brief, and what was not understood is said."""

import subprocess
import sys
from typing import Any, get_args

import pytest

from neuromosaic.core.brief import Brief, Budget, Constraints, Task, TensorSpec
from neuromosaic.core.errors import BriefError
from neuromosaic.core.evaluation.data.sources.builtin import BUILTIN as LOADABLE
from neuromosaic.core.evaluation.metrics import available
from neuromosaic.core.proposals import BriefDraft
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.llm.offline.reading import read_brief
from neuromosaic.llm.offline.reading_data import BUILTIN
from neuromosaic.llm.offline.reading_limits import METRIC_NAMES


def read(sentence: str, known: Brief | None = None) -> BriefDraft:
    return read_brief(BriefInputs(sentence=sentence, known=known or Brief()))


def said(sentence: str) -> dict[str, Any]:
    fields = read(sentence).brief.model_dump(exclude_defaults=True)
    del fields["sentence"]
    return fields


def test_the_sentence_of_the_front_page_is_understood_whole() -> None:
    draft = read(
        "classify 8x8 grey images of handwritten digits, under 20k parameters, under 1 ms per image on CPU",
        Brief(data="digits"),
    )
    assert draft.not_understood == ()
    assert draft.questions == ()
    assert draft.brief == Brief(
        sentence=draft.brief.sentence,
        task="classification",
        data="digits",
        input=TensorSpec(shape=(1, 8, 8)),
        constraints=Constraints(parameters=20_000, latency_ms=1.0, latency_batch=1),
        device="cpu",
    )


@pytest.mark.parametrize(
    ("sentence", "task"),
    [
        ("classify flowers", "classification"),
        ("a classifier for images", "classification"),
        ("image classification", "classification"),
        ("recognise handwritten digits", "classification"),
        ("recognizing speech commands", "classification"),
        ("tell apart cats and dogs", "classification"),
        ("predict the species of a flower", "classification"),
        ("predict which class", "classification"),
        ("10 classes", "classification"),
        ("predict the class out of 10 classes", "classification"),
        ("regression", "regression"),
        ("predict the price of a house", "regression"),
        ("forecast a value", "regression"),
        ("estimate house prices", "regression"),
        ("predict 3 targets", "regression"),
        ("a character language model", "language_modelling"),
        ("character-level language modelling", "language_modelling"),
        ("language model of Shakespeare", "language_modelling"),
        ("generate text", "language_modelling"),
        ("predict the next character", "language_modelling"),
        ("char LM", "language_modelling"),
    ],
)
def test_tasks(sentence: str, task: str) -> None:
    draft = read(sentence)
    assert draft.brief.task == task
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "shape"),
    [
        ("8x8 grey images", (1, 8, 8)),
        ("28 x 28 greyscale pictures", (1, 28, 28)),
        ("28\u00d728 black-and-white scans", (1, 28, 28)),
        ("3x32x32", (3, 32, 32)),
        ("32x32x3 images", (3, 32, 32)),
        ("32x32 RGB images", (3, 32, 32)),
        ("32 by 24 pixel colour photos", (3, 32, 24)),
        ("32x32 color images", (3, 32, 32)),
        ("64x64 RGBA icons", (4, 64, 64)),
        ("16x16 images with 5 channels", (5, 16, 16)),
        ("28x28 images", (28, 28)),
        ("64 features", (64,)),
        ("8 numeric features", (8,)),
        ("a table with twelve columns", (12,)),
        ("sequences of 100 steps with 6 channels", (100, 6)),
        ("time series of length 50 with 3 features", (50, 3)),
        ("40 time steps, 2 channels each", (40, 2)),
    ],
)
def test_inputs(sentence: str, shape: tuple[int, ...]) -> None:
    draft = read(sentence)
    assert draft.brief.input == TensorSpec(shape=shape)
    assert draft.not_understood == ()


@pytest.mark.parametrize("sentence", ["a context of 64 characters", "64 characters of context", "context length 64"])
def test_a_text_is_read_by_its_context(sentence: str) -> None:
    draft = read(f"character language model with {sentence}, a vocabulary of 65 characters")
    assert draft.brief.input == TensorSpec(shape=(64,), dtype="int64", upper=65)
    assert draft.brief.output == TensorSpec(shape=(65,))
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "outputs"),
    [("10 classes", 10), ("ten categories", 10), ("10-class", 10), ("a binary classifier", 2), ("into 3 kinds", 3),
     ("5 species", 5), ("predict 2 values", 2)],
)  # fmt: skip
def test_outputs(sentence: str, outputs: int) -> None:
    assert said(sentence)["output"] == {"shape": (outputs,)}


@pytest.mark.parametrize(
    "sentence",
    [
        "under 200k parameters", "at most 0.2M parameters", "no more than 200,000 parameters", "< 2e5 params",
        "<= 200_000 weights", "≤200k trainable parameters", "max 200k parameters", "a maximum of 200k parameters",
        "fewer than 200 thousand parameters", "200k parameters", "200k parameters at most", "up to 200k params",
        "parameters under 200k", "parameters: 200k", "parameter limit 200k", "number of parameters < 200000",
        "a 200k-parameter network",
    ],
)  # fmt: skip
def test_parameter_limits(sentence: str) -> None:
    draft = read(sentence)
    assert draft.brief.constraints == Constraints(parameters=200_000)
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "constraints"),
    [
        ("under 2 ms", {"latency_ms": 2.0}),
        ("under 2 ms per image", {"latency_ms": 2.0}),
        ("2 milliseconds per example at most", {"latency_ms": 2.0}),
        ("500 µs", {"latency_ms": 0.5}),
        ("latency below 2ms", {"latency_ms": 2.0}),
        ("inference time of at most 0.01 s", {"latency_ms": 10.0}),
        ("under 2 seconds per image", {"latency_ms": 2000.0}),
        ("2 ms for a batch of 32", {"latency_ms": 2.0, "latency_batch": 32}),
        ("under 2 ms per batch of 32 images", {"latency_ms": 2.0, "latency_batch": 32}),
        ("50 MB", {"memory_mb": 50.0}),
        ("under 1 GB of memory", {"memory_mb": 1000.0}),
        ("memory under 512 KB", {"memory_mb": 0.512}),
        ("at most 1 MiB of RAM", {"memory_mb": 1.048576}),
        ("10 MFLOPs", {"flops": 1e7}),
        ("under 2 GFLOPs", {"flops": 2e9}),
        ("5e6 flops", {"flops": 5e6}),
        ("5 MMACs", {"flops": 1e7}),
        ("under 0 parameters", {"parameters": 0}),
    ],
)
def test_other_limits(sentence: str, constraints: dict[str, float]) -> None:
    draft = read(sentence)
    assert draft.brief.constraints == Constraints.model_validate(constraints)
    assert draft.brief.budget == Budget()
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "metrics"),
    [
        ("at least 95% accuracy", {"accuracy": 0.95}),
        ("accuracy above 0.95", {"accuracy": 0.95}),
        ("accuracy of at least 95 %", {"accuracy": 0.95}),
        ("accuracy above 95", {"accuracy": 0.95}),
        ("test accuracy >= 0.95", {"accuracy": 0.95}),
        ("95 percent accurate", {"accuracy": 0.95}),
        ("error below 2%", {"accuracy": 0.98}),
        ("balanced accuracy over 0.9", {"balanced_accuracy": 0.9}),
        ("macro F1 above 0.9", {"macro_f1": 0.9}),
        ("AUC of 0.9", {"auroc": 0.9}),
        ("rmse below 0.5", {"rmse": 0.5}),
        ("reconstruction rmse below 0.3", {"reconstruction_rmse": 0.3}),
        ("energy distance below 0.05 and coverage above 90%", {"energy_distance": 0.05, "coverage": 0.9}),
        ("R2 over 0.8", {"r2": 0.8}),
        ("at most 2 bits per character", {"bits_per_character": 2.0}),
        ("perplexity < 5", {"perplexity": 5.0}),
        ("mae under 3, rmse under 5", {"mae": 3.0, "rmse": 5.0}),
    ],
)
def test_metric_bounds(sentence: str, metrics: dict[str, float]) -> None:
    draft = read(sentence)
    assert draft.brief.constraints.metrics == metrics
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "task"),
    [
        ("segment 32x32 colour images into 4 classes, mean IoU at least 0.8", "segmentation"),
        ("semantic segmentation of photos", "segmentation"),
        ("classify each pixel of 8x8 grey images", "segmentation"),
        ("label every time step of sequences of 24 steps with 6 channels, 3 classes", "sequence_labelling"),
        ("sequence labelling with 5 classes", "sequence_labelling"),
        ("classify the nodes of a graph into 4 classes", "node_classification"),
        ("classify graphs into 3 classes", "classification"),
    ],
)
def test_a_class_at_each_position_is_understood(sentence: str, task: str) -> None:
    draft = read(sentence)
    assert draft.brief.task == task
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "labels"),
    [
        ("multi-label classification of 8x8 images, 5 labels", (5,)),
        ("say which of the labels apply to each row of a table", None),
        ("tag 32x32 colour photos with 12 tags", (12,)),
    ],
)
def test_several_labels_at_once_are_understood(sentence: str, labels: tuple[int, ...] | None) -> None:
    brief = read(sentence).brief
    assert brief.task == "multi_label"
    assert (brief.output.shape if brief.output else None) == labels


@pytest.mark.parametrize(
    ("sentence", "latent"),
    [
        ("a generative model (VAE) of 8x8 images with a latent of 8", 8),
        ("an autoencoder of 28x28 grey images, 16-dimensional latent space", 16),
        ("a variational autoencoder of rows of a table, latent size 3", 3),
        ("generate new faces with 4 latent variables", 4),
        ("a beta-VAE of images", None),
    ],
)
def test_a_generative_network_is_understood(sentence: str, latent: int | None) -> None:
    draft = read(sentence)
    assert (draft.brief.task, draft.brief.latent) == ("generation", latent)
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "generative"),
    [
        ("a normalising flow of wine measurements", "flow"),
        ("density estimation for rows of a table", "flow"),
        ("a normalizing flow (RealNVP) of 8x8 grey images", "flow"),
        ("a diffusion model of 8x8 handwritten digits", "diffusion"),
        ("a denoising diffusion model (DDPM) for images, under 100k parameters", "diffusion"),
        ("a diffusion model that generates digits", "diffusion"),
        ("an autoregressive model of 8x8 handwritten digits", "autoregressive"),
        ("PixelCNN of digits under 50k parameters", "autoregressive"),
        ("a gated PixelCNN++ for 8x8 grey images", "autoregressive"),
        ("a network that draws digits pixel by pixel", "autoregressive"),
        ("generate digits pixel by pixel", "autoregressive"),
        ("an autoregressive density over the rows of a table", "autoregressive"),
        ("an auto-regressive generative model (PixelCNN) of images", "autoregressive"),
        ("a masked autoregressive flow for rows of a table", "flow"),
        ("a GAN of digits", "gan"),
        ("a generative adversarial network for faces", "gan"),
        ("a generative adversarial network (GAN) of 8x8 handwritten digits with a latent of 8", "gan"),
        ("a convolutional GAN for images, under 100k parameters", "gan"),
        ("a DCGAN that generates digits", "gan"),
        ("an adversarial pair for rows of a table", "gan"),
        ("a VAE of images", "autoencoder"),
        ("a generative model of faces", None),
    ],
)
def test_the_kind_of_a_generative_network_is_understood(sentence: str, generative: str | None) -> None:
    draft = read(sentence)
    assert (draft.brief.task, draft.brief.generative) == ("generation", generative)
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "task"),
    [
        ("an autoregressive language model of Shakespeare", "language_modelling"),
        ("forecast the next 4 steps from the last 24 steps autoregressively", "forecasting"),
        ("segment images pixel by pixel", "segmentation"),
    ],
)
def test_what_is_done_in_turn_anyway_is_no_generation_for_being_called_so(sentence: str, task: str) -> None:
    draft = read(sentence)
    assert (draft.brief.task, draft.brief.generative) == (task, None)
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "dimensions"),
    [
        ("an 8-dimensional embedding of handwritten digits", (8,)),
        ("an embedding network for 8x8 grey images", None),
        ("metric learning with 32 dimensions", (32,)),
    ],
)
def test_an_embedding_is_understood(sentence: str, dimensions: tuple[int, ...] | None) -> None:
    draft = read(sentence)
    assert draft.brief.task == "metric_learning"
    assert (draft.brief.output.shape if draft.brief.output else None) == dimensions
    assert draft.not_understood == ()


def test_text_that_is_generated_is_a_language_model() -> None:
    assert read("generate text like shakespeare").brief.task == "language_modelling"


def test_every_metric_that_can_be_named_is_one_that_is_measured() -> None:
    known = {name for task in get_args(Task) for name in available(task)}
    assert set(METRIC_NAMES) - {"error"} <= known


@pytest.mark.parametrize(
    ("sentence", "budget"),
    [
        ("10 minutes", {"seconds": 600}), ("in an hour", {"seconds": 3600}), ("half an hour", {"seconds": 1800}),
        ("a 10-minute budget", {"seconds": 600}), ("within 2 hours", {"seconds": 7200}), ("90s", {"seconds": 90}),
        ("1 hour 30 minutes", {"seconds": 5400}), ("1 h and 30 min", {"seconds": 5400}),
        ("budget of 45 seconds", {"seconds": 45}), ("30 trials", {"trials": 30}), ("<= 30 trials", {"trials": 30}),
        ("at most $0.50", {"cost_usd": 0.5}), ("50 cents", {"cost_usd": 0.5}), ("under 2 dollars", {"cost_usd": 2.0}),
        ("0.5 USD", {"cost_usd": 0.5}), ("10 minutes, 30 trials", {"seconds": 600, "trials": 30}),
    ],
)  # fmt: skip
def test_budgets(sentence: str, budget: dict[str, float]) -> None:
    draft = read(sentence)
    assert draft.brief.budget == Budget.model_validate(budget)
    assert draft.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "fields"),
    [
        ("on CPU", {"device": "cpu"}), ("on this CPU", {"device": "cpu"}), ("on a GPU", {"device": "cuda"}),
        ("using cuda", {"device": "cuda"}), ("on mps", {"device": "mps"}), ("on one CPU core", {"device": "cpu"}),
        ("seed 7", {"seed": 7}), ("random seed = 7", {"seed": 7}), ("the digits data", {"data": "digits"}),
        ("on the breast cancer dataset", {"data": "breast_cancer"}), 
        ("train on my/houses.csv", {"data": "my/houses.csv"}),
        ("target: price", {"target": "price"}), ("target column 'sale price'", {"target": "sale price"}),
    ],
)  # fmt: skip
def test_device_seed_and_data(sentence: str, fields: dict[str, Any]) -> None:
    assert said(sentence) == fields
    assert read(sentence).not_understood == ()


def test_the_named_data_sets_can_be_loaded() -> None:
    assert set(BUILTIN) == set(LOADABLE)


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        ("classify images with purple elephants, quickly", ("purple elephants", "quickly")),
        ("at least 20k parameters", ("at least 20k parameters",)),
        ("over 5 ms", ("over 5 ms",)),
        ("accuracy below 0.9", ("accuracy below 0.9",)),
        ("at least $5 and more than 3 trials for more than 2 hours",
         ("at least $5 and more than 3 trials for more than 2 hours",)),
        ("10 classes and bananas, bananas", ("bananas",)),
        ("sequences of 100 steps", ("100 steps without a number of channels",)),
        ("0x8 images", ("0x8",)),
        ("I want a network", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_what_was_not_understood_is_said_once(sentence: str, phrases: tuple[str, ...]) -> None:
    draft = read(sentence)
    assert draft.not_understood == phrases
    assert draft.brief.constraints == Constraints()


def test_what_is_known_wins_field_by_field() -> None:
    known = Brief(
        data="iris", task="regression", constraints=Constraints(parameters=5, metrics={"rmse": 1.0}),
        budget=Budget(trials=3), input=TensorSpec(shape=(4,)), seed=3,
    )  # fmt: skip
    sentence = (
        "predict a value from 8 features, under 20k parameters, under 1 ms, mae below 2, 10 minutes, 9 trials, seed 9"
    )
    assert read(sentence, known).brief == Brief(
        sentence=sentence,
        data="iris",
        task="regression",
        input=TensorSpec(shape=(4,)),
        constraints=Constraints(parameters=5, latency_ms=1.0, metrics={"rmse": 1.0, "mae": 2.0}),
        budget=Budget(trials=3, seconds=600),
        seed=3,
    )


def test_without_data_it_asks_for_them() -> None:
    assert read("classify flowers").questions == (
        "Which data is it for? Name it with --data, or as `data:` in the brief.",
    )


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("under -5 parameters", "parameters: '-5' is negative"),
        ("under -1 ms", "latency: '-1' is negative"),
        ("in -10 minutes", "time budget: '-10' is negative"),
        ("accuracy above 120%", "accuracy: .* is more than 100%"),
        ("under 20k parameters, under 50k parameters", "two values for parameters, 20000 and 50000"),
        ("classify flowers by regression", "two values for task"),
        ("8x8 images and 16x16 images", "two values for size"),
        ("on CPU or on a GPU", "two values for device"),
        ("seed 1, seed 2", "two values for seed"),
        ("regression into 10 classes", "a regression and for classes"),
        ("2.5 trials", "trials: '2.5' is no whole number"),
        ("0 trials", "budget.trials"),
    ],
)
def test_contradictions_are_errors_of_the_brief(sentence: str, message: str) -> None:
    with pytest.raises(BriefError, match=message):
        read(sentence)


@pytest.mark.parametrize(
    "sentence", ["at least " * 2_000, "1,000," * 2_000, "predict the " * 2_000, "\x00" * 99, "9" * 4_000]
)
def test_a_strange_sentence_is_read_in_no_time(sentence: str) -> None:
    read(sentence)


def test_reading_needs_no_torch() -> None:
    code = (
        "import sys; from neuromosaic.llm.offline.designer import OfflineDesigner; OfflineDesigner()\n"
        "from neuromosaic.llm.offline.reading import read_brief\n"
        "from neuromosaic.core.role_inputs import BriefInputs; from neuromosaic.core.brief import Brief\n"
        "read_brief(BriefInputs(sentence='classify 8x8 images', known=Brief()))\n"
        "assert not {'torch', 'numpy', 'jinja2', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_device_stores_limits_the_weights_and_its_ram_the_memory() -> None:
    draft = read("a model that fits 64 KB RAM and 256KB flash")
    assert draft.brief.constraints.parameters == 64_000
    assert draft.brief.constraints.memory_mb == 0.064
    assert draft.not_understood == ()


def test_whether_a_prediction_is_a_number_or_a_class_is_left_to_the_data_where_the_words_do_not_tell() -> None:
    draft = read("predict churn (yes/no) from customer records")
    assert draft.brief.task is None
    assert read("predict the monthly sales").brief.task == "regression"
