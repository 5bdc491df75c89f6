import re

import torch
from torch import nn

from neuromosaic.core.graph.export import export_module
from neuromosaic.delivery.plots.architecture import MOST, architecture
from tests.core.graph.test_outline import Blocks, convolutions
from tests.delivery.plots.test_plots import texts

TIMES = "\u00d7"


def drawn(module: nn.Module, *shape: int) -> list[str]:
    return texts(architecture(export_module(module, (torch.randn(2, *shape),))))


def test_layers_have_their_operations_shapes_and_parameters() -> None:
    said = drawn(convolutions(), 1, 8, 8)
    shown = {
        "input",
        "1 x 8 x 8",
        "conv 3x3, 1 → 8, stride 2",
        "0, batch norm, ReLU",
        "8 x 4 x 4",
        "96",
        "linear 4 → 3",
    }
    assert shown <= {text.replace(TIMES, "x") for text in said}


def test_blocks_that_repeat_are_framed_and_drawn_once() -> None:
    said = drawn(Blocks(depth=5), 4)
    assert f"blocks.0 ({TIMES} 5)" in said
    assert said.count("linear 6 → 12") == 1
    assert "420" in said  # the parameters of all five: 5 * (6 * 12 + 12)


def test_a_branch_is_led_past_the_boxes_between() -> None:
    svg = architecture(export_module(Blocks(depth=2), (torch.randn(2, 4),)))
    assert len(re.findall(r'fill="none" stroke="var\(--soft\)"', svg)) == 1
    assert svg.count("marker-end") == 6  # input, stem, two inside, the branch, the head


def test_many_layers_fold_into_their_blocks() -> None:
    parts = [nn.Sequential(nn.Sequential(nn.Linear(4 + n, 8), nn.ReLU()), nn.Sequential(nn.Linear(8, 5 + n)))
             for n in range(20)]  # fmt: skip
    said = drawn(nn.Sequential(nn.Sequential(*parts)), 4)
    assert "0.0" in said
    assert "linear" in said
    assert len([text for text in said if text.startswith("0.")]) == 20


def test_a_network_without_blocks_is_cut_in_the_middle() -> None:
    said = drawn(nn.Sequential(*(nn.Linear(4 + n, 5 + n) for n in range(40))), 4)
    assert "14 more" in said
    assert len([text for text in said if text.startswith("linear")]) == MOST


def test_names_are_escaped_and_colours_are_the_pages() -> None:
    module = nn.Sequential()
    module.add_module("<script>", nn.Linear(4, 2))
    svg = architecture(export_module(module, (torch.randn(2, 4),)))
    assert "<script>" not in svg
    assert not re.search(r"#[0-9a-f]{3,6}\b", svg)
