"""The zoo: sound networks of all kinds (models/), and what to break in each.

None of them may be refused, and each broken twin must be, with the finding that names its fault.
"""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Twin:
    """The good source with the text `old`, which occurs once, replaced by `new`; `code` is the finding's."""

    code: str
    old: str
    new: str


@dataclass(frozen=True)
class Specimen:
    """models/`name`.py. `inputs` and `outputs` without the batch: "3x32x32", "64:int64<1000", "16:bool"; several
    outputs are those of a tuple, list or dict in order. No `inputs`: the file has `get_inputs()`; no `outputs`:
    nothing is promised. `init`: the constructor's arguments. `batch_axis`: None for a network without a batch."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    lane: Literal["graph", "python"]
    twin: Twin
    task: str | None = None
    loss: str | None = None
    init: dict[str, Any] = field(default_factory=dict)
    batch_axis: int | None = 0


CLASSES: dict[str, Any] = {"task": "classification", "loss": "cross_entropy"}
NUMBERS: dict[str, Any] = {"task": "regression", "loss": "mse"}
LANGUAGE: dict[str, Any] = {"task": "language_modelling", "loss": "cross_entropy"}

# fmt: off
SPECIMENS: tuple[Specimen, ...] = (
    # ------------------------------------------------------------ images
    Specimen("plain_cnn", ("1x28x28",), ("10",), "graph", Twin("double-softmax",
        "nn.Linear(64, classes),", "nn.Linear(64, classes),\n            nn.Softmax(dim=1),"), **CLASSES),
    Specimen("resnet", ("3x32x32",), ("10",), "graph", Twin("forward-raised",
        "self.expansion, 1, stride=stride, bias=False", "self.expansion, 1, bias=False"), **CLASSES),
    Specimen("preactivation_resnet", ("3x24x24",), ("5",), "graph", Twin("batch-leak",
        "track_running_stats=True", "track_running_stats=False"), **CLASSES),
    Specimen("densenet", ("3x16x16",), ("10",), "graph", Twin("forward-raised",
        "channels //= 2", "channels -= 2"), init={"growth": 6, "blocks": [2, 2]}, **CLASSES),
    Specimen("unet", ("3x32x32",), ("4x32x32",), "graph", Twin("output-shape",
        "n_classes, kernel_size=3, padding=1)", "n_classes, kernel_size=3)")),
    Specimen("mobilenet_v2", ("3x32x32",), ("10",), "graph", Twin("no-gradient",
        "return x + out if", "return x if"), **CLASSES),
    Specimen("mobilenet_v3", ("3x32x32",), ("6",), "graph", Twin("double-softmax",
        "return self.head(F.dropout(x, 0.2, self.training))",
        "return F.softmax(self.head(F.dropout(x, 0.2, self.training)), dim=-1)"), **CLASSES),
    Specimen("efficientnet", ("3x32x32",), ("8",), "graph", Twin("not-a-tensor",
        "return self.head(self.blocks(self.stem(x)).mean((2, 3)))",
        'return {"logits": self.head(self.blocks(self.stem(x)).mean((2, 3)))}'), **CLASSES),
    Specimen("shufflenet", ("3x16x16",), ("10",), "graph", Twin("batch-leak",
        "x.reshape(batch, groups, channels // groups", "x.reshape(groups, batch, channels // groups"), **CLASSES),
    Specimen("squeezenet", ("3x33x33",), ("7",), "graph", Twin("output-shape",
        "return torch.flatten(x, 1)", "return torch.flatten(x, 2)"), **CLASSES),
    Specimen("inception", ("3x24x24",), ("10",), "graph", Twin("train-raised",
        "nn.Linear(8 * 4 * 4, classes)", "nn.Linear(8 * 5 * 5, classes)"), **CLASSES),
    Specimen("convnext", ("3x32x32",), ("10",), "graph", Twin("constructor",
        "padding=3, groups=dim", "padding=3, groups=7"), **CLASSES),
    Specimen("repvgg", ("3x16x16",), ("10",), "graph", Twin("train-raised",
        "y + self.identity(x)", "y + self.identiy(x)"), **CLASSES),
    Specimen("vision_transformer", ("3x24x24",), ("5",), "graph", Twin("batch-leak",
        "dropout=dropout, batch_first=True", "dropout=dropout"), init={"image": 24, "classes": 5}, **CLASSES),
    Specimen("swin", ("3x16x16",), ("6",), "graph", Twin("batch-leak",
        "(-self.shift, -self.shift), dims=(1, 2)", "(-self.shift, -self.shift), dims=(0, 1)"), **CLASSES),
    Specimen("mlp_mixer", ("3x24x24",), ("10",), "graph", Twin("output-dtype",
        "dtype=torch.float32", "dtype=torch.float64"), **CLASSES),
    Specimen("super_resolution", ("3x16x16",), ("3x32x32",), "graph", Twin("output-shape",
        "base + self.shuffle(self.tail(y + first))", "self.tail(y + first)"), **NUMBERS),
    Specimen("segmentation", ("3x32x32",), ("5x32x32",), "graph", Twin("output-shape",
        "size=x.shape[-2:]", "scale_factor=2")),
    Specimen("detector", ("3x32x32",), ("80x3", "80x4", "80x1"), "graph", Twin("output-shape",
        "nn.Conv2d(channels, num_classes, 1)", "nn.Conv2d(channels, num_classes + 1, 1)")),
    Specimen("siamese", ("1x16x16", "1x16x16"), ("1",), "graph", Twin("batch-leak",
        "F.normalize(self.fc(x.flatten(1)), dim=1)", "F.normalize(self.fc(x.flatten(1)), dim=0)")),
    Specimen("capsules", ("1x14x14",), ("4",), "graph", Twin("non-finite-gradient",
        "(squared + 1e-8).sqrt()", "squared.sqrt()")),
    Specimen("attention_pooling", ("12x16",), ("3",), "graph", Twin("batch-leak",
        "torch.softmax(scores, dim=1)", "torch.softmax(scores, dim=0)"), **CLASSES),
    Specimen("frozen_backbone", ("3x16x16",), ("8",), "graph", Twin("no-gradient",
        "        features = features + self.adapter(features)",
        "            features = features + self.adapter(features)"), **CLASSES),
    Specimen("stochastic_depth", ("3x20x20",), ("4",), "graph", Twin("train-raised",
        "(x.shape[0],) + (1,) * (x.ndim - 1)", "(x.shape[0], 1)"), **CLASSES),
    Specimen("bilinear_cnn", ("1x20x20",), ("5",), "graph", Twin("non-finite-gradient",
        "torch.sqrt(pooled + 1e-6)", "torch.sqrt(pooled)"), **CLASSES),
    Specimen("multi_task", ("3x16x16",), ("10", "3", "1"), "graph", Twin("no-gradient",
        "features = self.trunk(x)", "features = self.trunk(x).detach()")),
    Specimen("multi_input", ("3x9x9", "6", "1:int64<9"), ("2",), "graph", Twin("argument-without-default",
        "numbers: int = 6", "numbers: int")),
    Specimen("hooked_features", ("3x16x16",), ("4", "4"), "graph", Twin("not-a-tensor",
        "return [head(feature)", "[head(feature)")),
    Specimen("sobel_edges", ("1x12x12",), ("2x12x12",), "graph", Twin("output-dtype",
        "> 0).float()], dim=1)", "> 0).float()], dim=1).double()")),
    Specimen("global_filter", ("1x16x16",), ("10",), "graph", Twin("double-softmax",
        "magnitude], dim=1))", "magnitude], dim=1)).softmax(dim=1)"), **CLASSES),
    Specimen("lazy_layers", ("3x12x12",), ("5",), "graph", Twin("output-shape",
        "x.flatten(1)", "x.flatten(2)"), **CLASSES),
    Specimen("large_image", ("3x2048x2048",), ("10",), "graph", Twin("memory",
        "self.stem(x)", "self.stem(nn.functional.interpolate(x, scale_factor=16))"), **CLASSES),
    Specimen("conv_lstm", (), (), "graph", Twin("import-not-allowed",
        "import torch.nn as nn\n", "import subprocess\n\nimport torch.nn as nn\n")),
    # ------------------------------------------------------------ sequences
    Specimen("transformer_classifier", ("20:int64<100",), ("3",), "graph", Twin("not-a-tensor",
        "return self.classifier(x)", "self.classifier(x)"), **CLASSES),
    Specimen("checkpointed_transformer", ("9x5",), ("4",), "graph", Twin("train-raised",
        "checkpoint(block, x, use_reentrant=False)", "checkpoint(block, use_reentrant=False)"), **CLASSES),
    Specimen("translation", ("12:int64<50", "8:int64<60"), ("8x60",), "graph", Twin("forward-raised",
        "square_subsequent_mask(length", "square_subsequent_mask(source.shape[1]")),
    Specimen("causal_lm", ("24:int64<40",), ("24x40",), "graph", Twin("not-causal",
        "mask = torch.tril(torch.ones(config.block_size, config.block_size))",
        "mask = torch.tril(torch.ones(config.block_size, config.block_size), diagonal=1)"), **LANGUAGE),
    Specimen("rotary_lm", ("20:int64<32",), ("20x32",), "graph", Twin("not-causal",
        "(q, k, v, is_causal=True)", "(q, k, v)"), **LANGUAGE),
    Specimen("alibi_lm", ("16:int64<30",), ("16x30",), "graph", Twin("not-causal",
        "torch.where(distance > 0,", "torch.where(distance > 1,"), **LANGUAGE),
    Specimen("gru_lm", ("14:int64<28",), ("14x28",), "graph", Twin("not-causal",
        "states.cumsum(dim=1) / count", "states.mean(dim=1, keepdim=True)"), **LANGUAGE),
    Specimen("wavenet", ("32:int64<48",), ("32x48",), "graph", Twin("not-causal",
        "F.pad(x, (self.padding, 0))", "F.pad(x, (0, self.padding))"), init={"levels": 48}, **LANGUAGE),
    Specimen("perceiver", ("50x3",), ("10",), "graph", Twin("no-gradient",
        "self.latents.expand(", "self.latents.detach().expand("), **CLASSES),
    Specimen("elman_rnn", ("4x6",), ("4",), "graph", Twin("non-deterministic",
        "self.hidden = self.init_hidden(x.size(0), like=x)",
        "self.hidden = self.init_hidden(x.size(0), like=x) if self.hidden is None else self.hidden"), **CLASSES),
    Specimen("lstm_forecast", ("24x3",), ("2",), "graph", Twin("batch-leak",
        "num_layers=2, batch_first=True", "num_layers=2"), **NUMBERS),
    Specimen("bidirectional_gru", ("10:int64<60",), ("4",), "graph", Twin("double-softmax",
        "nn.Linear(2 * width, classes))", "nn.Linear(2 * width, classes), nn.Softmax(-1))"), **CLASSES),
    Specimen("time_first_lstm", (), (), "graph", Twin("forward-raised",
        "batch = x.size(1)", "batch = x.size(0)"), batch_axis=1),
    Specimen("crf_loss", (), (), "graph", Twin("non-finite-output",
        "alpha = torch.logsumexp(scores, dim=1)", "alpha = torch.log(torch.exp(scores).sum(dim=1))")),
    Specimen("cached_attention", (), (), "graph", Twin("non-deterministic",
        "self.offset = past_k.shape[2]", "self.offset += past_k.shape[2]")),
    Specimen("temporal_convolution", ("2x40",), ("1",), "graph", Twin("state-dict",
        "nn.ModuleList(", "list("), **NUMBERS),
    Specimen("state_space", ("36x4",), ("5",), "graph", Twin("non-finite-output",
        "torch.exp(-step[..., None]", "torch.exp(step[..., None]"), **CLASSES),
    Specimen("long_convolution", ("1x48",), ("1x48",), "graph", Twin("output-dtype",
        ".real[..., :length]", "[..., :length]")),
    Specimen("random_feature_attention", ("10x5",), ("10x3",), "graph", Twin("state-dict",
        'self.register_buffer("projection", torch.randn(dim, features))',
        "self.projection = torch.randn(dim, features)"), init={"dim": 16}, **NUMBERS),
    Specimen("fourier_mixer", ("12:int64<50",), ("4",), "graph", Twin("batch-leak",
        "dim=1).real", "dim=0).real"), **CLASSES),
    Specimen("echo_state", ("8x3",), ("2",), "graph", Twin("state-dict",
        'self.register_buffer("recurrent", recurrent)',
        'self.register_buffer("recurrent", recurrent, persistent=False)'), **NUMBERS),
    Specimen("bag_of_words", ("20:int64<80",), ("5",), "graph", Twin("double-softmax",
        "return self.fc(self.embedding(text) + 0.1 * self.hashed(pairs))",
        "return torch.softmax(self.fc(self.embedding(text) + 0.1 * self.hashed(pairs)), dim=1)"), **CLASSES),
    Specimen("long_tokens", ("65536:int64<256",), ("4",), "graph", Twin("memory",
        "stride=piece", "stride=1"), **CLASSES),
    # ------------------------------------------------------------ graphs and sets
    Specimen("graph_convolution", (), (), "graph", Twin("non-finite-output",
        "    adj = adj + torch.eye(adj.size(-1), device=adj.device)\n", "")),
    Specimen("graph_attention", ("12x6", "12x12:bool"), ("12x3",), "graph", Twin("output-shape",
        "heads=2, concatenate=False", "heads=2, concatenate=True")),
    Specimen("message_passing", ("7x5", "7x7x3"), ("2",), "graph", Twin("no-gradient",
        "(gates * h).sum(dim=1)", "h.sum(dim=1)")),
    Specimen("equivariant_graph", ("9x3",), ("1", "9x3"), "graph", Twin("non-finite-gradient",
        "keepdim=True) + 1e-8)", "keepdim=True))")),
    Specimen("pointnet", ("3x64",), ("5",), "graph", Twin("import-not-allowed",
        "import torch.nn as nn\n", "import socket\n\nimport torch.nn as nn\n"), **CLASSES),
    Specimen("deep_sets", ("10x4", "10:bool"), ("1",), "graph", Twin("argument-without-default",
        "features: int = 4", "features: int")),
    Specimen("set_transformer", ("15x3",), ("4",), "graph", Twin("no-model",
        "class Model(nn.Module):", "class SetTransformer(nn.Module):"), **CLASSES),
    Specimen("triplet_loss", (), (), "graph", Twin("non-finite-gradient",
        "torch.sqrt(squares + 1e-12)", "torch.sqrt(squares)")),
    # ------------------------------------------------------------ generative
    Specimen("variational_autoencoder", ("1x8x8",), ("1x8x8", "4", "4"), "graph", Twin("non-finite-output",
        "(0.5 * log_variance).exp()", "(0.5 * log_variance).log()")),
    Specimen("convolutional_autoencoder", ("1x28x28",), ("1x28x28",), "graph", Twin("output-shape",
        "padding=1, output_padding=1", "padding=1"), **NUMBERS),
    Specimen("vq_vae", ("3x16x16",), ("3x16x16", "1"), "graph", Twin("no-gradient",
        "(q - z.detach()).square() + self.beta", "self.beta")),
    Specimen("gan_generator", ("32",), ("1x16x16",), "graph", Twin("constructor",
        "        super().__init__()\n", "")),
    Specimen("spectral_discriminator", ("1x16x16",), ("1",), "graph", Twin("syntax",
        "self.layers(image).flatten(start_dim=1)", "self.layers(image.flatten(start_dim=1)")),
    Specimen("diffusion_unet", ("1x16x16", "1"), ("1x16x16",), "graph", Twin("forward-raised",
        "[Residual(4 * width", "[Residual(2 * width")),
    Specimen("real_nvp", ("8",), ("8", "1"), "graph", Twin("non-finite-output",
        "1 + 0.9 * torch.tanh(scale)", "0.9 * torch.tanh(scale)")),
    Specimen("permuted_flow", ("6",), ("6", "1"), "graph", Twin("state-dict",
        'self.register_buffer("order", torch.randperm(features))', "self.order = torch.randperm(features).tolist()")),
    # ------------------------------------------------------------ experts, memory, many ways to decide
    Specimen("hypernetwork", ("6", "5"), ("3",), "graph", Twin("batch-leak", "boi,bi->bo", "boi,ci->bo")),
    Specimen("dense_experts", ("10",), ("6",), "graph", Twin("double-softmax",
        "hidden, self.second)", "hidden, self.second).softmax(-1)"), **CLASSES),
    Specimen("topk_experts", ("6x8",), ("3",), "graph", Twin("no-gradient",
        "F.softmax(best, dim=-1)", "torch.ones_like(best) / self.top_k"), **CLASSES),
    Specimen("routed_experts", ("6x8",), ("4",), "graph", Twin("batch-leak",
        "(rows,) = torch.where(chosen == number)",
        "rows = (chosen == number).nonzero()[:, 0]\n"
        "            rows = rows[weight[rows].argsort(descending=True)[:4]]"), **CLASSES),
    Specimen("memory_network", ("8",), ("6",), "graph", Twin("non-deterministic",
        "if self.training:\n            with torch.no_grad():",
        "with torch.no_grad():\n            if query.shape[0] > 1:"), **CLASSES),
    Specimen("adaptive_computation", ("6",), ("3",), "python", Twin("timeout",
        "remaining = remaining - share", "remaining = remaining + share"), **CLASSES),
    Specimen("convergent_layer", ("5",), ("2",), "python", Twin("timeout",
        "tolerance: float = 1e-4", "tolerance: float = 0.0"), **NUMBERS),
    Specimen("annealed_temperature", ("8",), ("4",), "graph", Twin("non-deterministic",
        "        if self.training:\n            self.steps += 1", "        self.steps += 1"), **CLASSES),
    # ------------------------------------------------------------ mathematics
    Specimen("neural_ode", ("4",), ("3",), "graph", Twin("non-deterministic",
        "        self.now = 0.0\n        x = self.lift(x)", "        x = self.lift(x)"), **CLASSES),
    Specimen("deep_equilibrium", ("8",), ("2",), "graph", Twin("no-gradient",
        "        for _ in range(self.last):\n            z = self.cell(z, injected)",
        "            for _ in range(self.last):\n                z = self.cell(z, injected)"),
        init={"features": 8, "width": 24}, **NUMBERS),
    Specimen("siren", ("2",), ("3",), "graph", Twin("not-a-tensor",
        "return self.net(xy)", "return (self.net(xy),)"), **NUMBERS),
    Specimen("fourier_features", ("3",), ("1",), "graph", Twin("state-dict",
        "torch.randn(coordinates, count))", "torch.randn(coordinates, count), persistent=False)"), **NUMBERS),
    Specimen("kan", ("3",), ("2",), "graph", Twin("non-finite-output",
        '("knots", knots)', '("knots", knots.clamp(low, high))'), init={"widths": [3, 6, 2]}, **NUMBERS),
    Specimen("zero_residual", ("12",), ("2",), "graph", Twin("non-finite-gradient",
        "(y.square().sum(dim=-1, keepdim=True) + 1e-6).sqrt()",
        "y.square().sum(dim=-1, keepdim=True).sqrt()"), **NUMBERS),
    Specimen("running_whitening", ("9",), ("1",), "graph", Twin("non-deterministic",
        "if self.training:\n            with torch.no_grad():",
        "with torch.no_grad():\n            if x.shape[0] > 1:"), **NUMBERS),
    Specimen("binary_weights", ("16",), ("5",), "graph", Twin("no-gradient",
        "self.weight + (binary - self.weight).detach()",
        "(self.weight + (binary - self.weight)).detach()"), **CLASSES),
    Specimen("symmetric_layers", ("10",), ("3",), "graph", Twin("no-model",
        "class Model(nn.Module):", "class model(nn.Module):"), **NUMBERS),
    Specimen("cosine_classifier", ("20",), ("6",), "graph", Twin("forward-raised",
        "torch.randn(classes, dim)", "torch.randn(dim, classes)"), **CLASSES),
    Specimen("memory_saving_swish", ("7",), ("3",), "python", Twin("no-gradient",
        "return grad_output * s * (1 + x * (1 - s))", "return None"), **CLASSES),
    Specimen("domain_adversarial", ("9",), ("4", "1"), "python", Twin("train-raised",
        "return -ctx.strength * gradient, None", "return -ctx.strength * gradient")),
    Specimen("sparse_coding", (), (), "graph", Twin("constructor", "return [12, 24]", "return [12]")),
    Specimen("matrix_product", (), (), "graph", Twin("constructor",
        "return [ROWS]", "return [ROWS, COLUMNS]"), batch_axis=None),
    Specimen("pairwise_kernel", (), (), "graph", Twin("syntax",
        "squares.clamp_min(0.0))", "squares.clamp_min(0.0)"), batch_axis=None),
)
# fmt: on
