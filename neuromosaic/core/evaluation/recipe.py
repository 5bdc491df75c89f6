"""How a network is trained, as data."""

from typing import Literal

from pydantic import Field

from neuromosaic.core.brief import Value

Optimizer = Literal["adamw", "adam", "sgd"]
Loss = Literal["cross_entropy", "binary_cross_entropy", "mse", "huber", "own", "contrastive", "triplet"]
Schedule = Literal["cosine", "linear", "constant"]
Precision = Literal["float32", "bf16", "fp16"]
WantedPrecision = Literal["auto", "float32", "bf16", "fp16"]
"""A precision, or "auto": the one that is measured to be the fastest (`core.evaluation.precision`)."""
Augmentation = Literal["shift", "flip", "rotate", "noise", "mixup"]


class Recipe(Value):
    """One way to train. After a linear warm-up the learning rate falls to zero by `schedule`, or stays.

    `epochs` may be a fraction: passes over the training data at full fidelity (a trial at fidelity f trains for
    f * epochs, with a schedule of that length). `patience`: epochs without a better validation loss before it
    stops, None never. `augment` works on the training inputs only ("shift", "flip", "rotate" on images, "noise"
    and "mixup" on any float input). `class_weights`: one per class in the loss, None for equal. `averaging`: what is
    scored and kept is the moving average of the weights, which forgets so much slower the closer to 1 it is (0.99
    remembers some hundred steps); 0 for the weights themselves. `accumulate`: a batch goes through in so many parts
    and makes one step, which takes less memory; batch norms see the parts. `precision` of the products in training:
    "bf16" and "fp16" are faster where the device has units for them; weights, loss and scores stay float32. `loss`
    "own" is the scalar that the network itself returns as `loss`. `loss_graph`: a loss of the user's own or a
    role's, which is minimised instead, as `validation.own_loss` writes it; smoothing and weights of classes are then
    its own affair.
    """

    optimizer: Optimizer = "adamw"
    learning_rate: float = Field(2e-3, gt=0, le=10)
    weight_decay: float = Field(1e-2, ge=0, le=1)
    batch_size: int = Field(64, ge=1, le=65536)
    epochs: float = Field(30, gt=0, le=10000)
    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps")
    gradient_clip: float | None = Field(1.0, gt=0, description="largest norm of all gradients together")
    schedule: Schedule = "cosine"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    augment: tuple[Augmentation, ...] = ()
    patience: int | None = Field(None, ge=1)
    class_weights: tuple[float, ...] | None = None
    loss: Loss = "cross_entropy"
    loss_graph: str | None = Field(None, repr=False)
    averaging: float = Field(0.0, ge=0, lt=1)
    accumulate: int = Field(1, ge=1, le=1024)
    precision: Precision = "float32"
