import pytest
import torch
from torch import nn

from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.outline import outline


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x)


class Blocks(nn.Module):
    def __init__(self, width: int = 6, depth: int = 3) -> None:
        super().__init__()
        self.stem = nn.Linear(4, width)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(depth))
        self.head = nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class Recurrent(nn.Module):
    """Its embedding is its head as well: counted once."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.read = nn.GRU(8, 8, batch_first=True)
        self.head = nn.Linear(8, 11)
        self.head.weight = self.embed.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.read(self.embed(x))[0])


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1, groups=2),
        nn.ConvTranspose2d(16, 4, 2, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(4, 3),
    )  # fmt: skip


def exported(module: nn.Module, *shape: int) -> Graph:
    ids = any(isinstance(part, nn.Embedding) for part in module.modules())
    x = torch.zeros(2, *shape, dtype=torch.int64) if ids else torch.randn(2, *shape)
    return export_module(module, (x,))


@pytest.mark.parametrize(("module", "shape"), [(Blocks(), (4,)), (Recurrent(), (5,)), (convolutions(), (1, 8, 8))])
def test_every_parameter_is_counted_once(module: nn.Module, shape: tuple[int, ...]) -> None:
    layers = outline(exported(module, *shape))
    assert sum(layer.parameters for layer in layers) == sum(x.numel() for x in module.parameters())
    assert all(source < place for place, layer in enumerate(layers) for source in layer.sources)


def test_what_only_follows_is_part_of_the_layer_before() -> None:
    layers = outline(exported(convolutions(), 1, 8, 8))
    assert [layer.words for layer in layers] == [
        ("conv 3x3, 1 to 8, stride 2", "batch norm", "ReLU"),
        ("depthwise conv 3x3, 8",),
        ("grouped conv 1x1, 8 to 16",),
        ("transposed conv 2x2, 16 to 4, stride 2",),
        ("average pool", "flatten", "dropout"),
        ("linear 4 to 3",),
    ]
    assert [layer.shape for layer in layers][:2] == [(None, 8, 4, 4)] * 2
    assert layers[-1].path == "9"


def test_branches_and_their_sum_are_told_apart() -> None:
    layers = outline(exported(Blocks(depth=1), 4))
    paths = ["stem", "blocks.0.branch.0", "blocks.0.branch.2", "blocks.0", "head"]
    assert [layer.path for layer in layers] == paths
    assert [layer.sources for layer in layers] == [(-1,), (0,), (1,), (0, 2), (3,)]
    assert layers[3].words == ("sum",)


def test_a_recurrent_layer_is_one_layer_with_the_shape_that_it_gives() -> None:
    embed, read, head = outline(exported(Recurrent(), 5))
    assert (embed.words, read.words[0], head.words) == (("embedding 11 to 8",), "GRU", ("linear 8 to 11",))
    assert read.shape == (None, 5, 8)
    assert head.parameters == 11  # its bias: the matrix is the embedding's


def test_two_inputs_are_told_apart() -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, 2 * y], 1)

    layers = outline(export_module(Two(), (torch.randn(2, 3), torch.randn(2, 3))))
    assert [(layer.words, layer.sources) for layer in layers] == [(("product",), (-2,)), (("join",), (-1, 0))]
