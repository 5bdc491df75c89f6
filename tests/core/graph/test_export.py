"""From a module to a graph and back: the same network."""

import copy
import json
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from neuromosaic.core.errors import CandidateError, ExportError
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.packing import pack, unpack
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.shapes import quick_shapes
from neuromosaic.core.graph.tensors import from_torch, to_torch

Cases = Callable[[str], Any]


def seeded(module: nn.Module, x: Tensor, *, training: bool) -> Any:
    torch.manual_seed(7)
    return module.train(training)(x.clone())


def loss_of(outputs: Any) -> Tensor:
    return torch.stack([leaf.float().square().mean() for leaf in pytree.tree_leaves(outputs)]).sum()


def trained(module: nn.Module, inputs: Callable[[int], Tensor], steps: int = 20) -> list[float]:
    """Losses of a short training with dropout and batch norm at work."""
    torch.manual_seed(3)
    optimizer = torch.optim.AdamW(module.train().parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(module(inputs(6)))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("batch", [1, 3, 7])
@pytest.mark.parametrize("training", [False, True])
def test_the_rebuilt_network_gives_the_same_outputs_for_any_batch(case: Any, batch: int, training: bool) -> None:
    module, x = copy.deepcopy(case.module), case.inputs(batch)
    if batch == 1 and training and case.name == "shared":
        pytest.skip("batch norm over single values needs more than one example")
    expected = seeded(module, x, training=training)
    torch.testing.assert_close(seeded(rebuild(case.graph), x, training=training), expected, rtol=0, atol=0)


def test_the_rebuilt_network_gives_the_same_gradients_and_running_statistics(case: Any) -> None:
    module, rebuilt, x = copy.deepcopy(case.module), rebuild(case.graph), case.inputs(5)
    for network in (module, rebuilt):
        loss_of(seeded(network, x, training=True)).backward()
    gradients = {name: parameter.grad for name, parameter in rebuilt.named_parameters()}
    assert list(gradients) == [name for name, _ in module.named_parameters()]
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=0, atol=0)
    assert_same_state(rebuilt, module)


def test_the_rebuilt_network_trains_to_the_same_losses_to_the_last_digit(case: Any) -> None:
    module, rebuilt = copy.deepcopy(case.module), rebuild(case.graph)
    assert trained(rebuilt, case.inputs) == trained(module, case.inputs)
    assert_same_state(rebuilt, module)


def test_the_rebuilt_network_keeps_names_flags_and_tying(case: Any) -> None:
    module, rebuilt = case.module, rebuild(case.graph)
    assert list(rebuilt.state_dict()) == list(module.state_dict())
    for kind in ("named_parameters", "named_buffers"):
        expected, found = getattr(module, kind), getattr(rebuilt, kind)
        assert [name for name, _ in found()] == [name for name, _ in expected()]
        assert [name for name, _ in found(remove_duplicate=False)] == [
            name for name, _ in expected(remove_duplicate=False)
        ]
    assert [p.requires_grad for p in rebuilt.parameters()] == [p.requires_grad for p in module.parameters()]


def test_the_graph_is_json_and_survives_packing(case: Any) -> None:
    assert json.loads(json.dumps(case.graph.document, allow_nan=False)) == case.graph.document
    assert unpack(pack(case.graph)) == case.graph


def test_export_leaves_weights_mode_and_buffers_untouched(cases: Cases) -> None:
    module = copy.deepcopy(cases("conv net").module).eval()
    before = copy.deepcopy(module.state_dict())
    graph = export_module(module, (torch.randn(3, 1, 8, 8),))
    assert not module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(torch.equal(to_torch(graph.tensors[name]), value) for name, value in before.items())


def test_nodes_say_which_layer_they_come_from_and_what_they_give(cases: Cases) -> None:
    nodes = cases("conv net").graph.document["eval"]["nodes"]
    conv = next(node for node in nodes if node["op"] == "aten.conv2d.default")
    assert (conv["layer"], conv["shape"], conv["dtype"]) == ("features.0", [None, 4, 8, 8], "float32")


def test_the_rebuilt_network_is_about_as_fast_as_the_module(cases: Cases) -> None:
    """Typically within a tenth; the bound leaves room for a busy machine."""
    case = cases("conv net")
    x = torch.randn(64, 1, 8, 8)
    module, rebuilt = copy.deepcopy(case.module).eval(), rebuild(case.graph).eval()
    times = {network: [] for network in (module, rebuilt)}
    with torch.no_grad():
        for _ in range(30):
            for network, spent in times.items():
                start = time.perf_counter()
                network(x)
                spent.append(time.perf_counter() - start)
    assert min(times[rebuilt]) < 2 * min(times[module])


def test_a_long_recurrent_layer_exports_without_being_unrolled() -> None:
    """Unrolled along time, 400 steps take more than half a minute."""

    class Long(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(3, 4, proj_size=2)

        def forward(self, x: Tensor) -> Tensor:
            outputs, (hidden, cell) = self.rnn(x.transpose(0, 1))
            return outputs[-1] + hidden[0] + cell[0, :, :2]

    module = Long()
    start = time.perf_counter()
    graph = export_module(module, (torch.randn(2, 400, 3),))
    assert time.perf_counter() - start < 5
    x = torch.randn(3, 400, 3)
    torch.testing.assert_close(rebuild(graph)(x), module(x), rtol=0, atol=0)


def test_the_rules_of_pytorch_are_put_back() -> None:
    operations = (torch.ops.aten.linear.default, torch.ops.aten.lstm.input)
    before = [dict(operation.py_kernels) for operation in operations]
    with quick_shapes():
        assert [operation.py_kernels for operation in operations] != before
    assert [operation.py_kernels for operation in operations] == before


# ---------------------------------------------------------------- small networks, made on the spot


class Lambda(nn.Module):
    """A network with one linear layer whose forward is a function of it and the inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(self.layer, *inputs)


def exported(function: Callable[..., Any], *inputs: Tensor) -> nn.Module:
    return rebuild(export_module(Lambda(function), inputs or (torch.randn(4, 3),)))


def test_memory_as_it_was_found_becomes_zeros() -> None:
    def unwritten(layer: nn.Module, x: Tensor) -> Tensor:
        found = torch.empty(3) + torch.empty_like(x) + x.new_empty(3) + torch.empty_strided((3,), (1,))
        return 0 * layer(x) + found + x.new_empty_strided((3,), (1,)) + torch.empty_permuted((3,), (0,))

    assert exported(unwritten)(torch.randn(2, 3)).abs().sum() == 0


def test_special_numbers_and_dtypes_travel() -> None:
    def special(layer: nn.Module, x: Tensor) -> dict[str, Tensor]:
        return {
            "inf": torch.full_like(x, float("inf")),
            "minus": x.masked_fill(x == x, float("-inf")),
            "nan": torch.full((x.shape[0],), float("nan")),
            "half": x.to(torch.float16),
            "same": layer(x).to(x),
            "last": x[:, :, None, None].contiguous(memory_format=torch.channels_last),
        }

    x = torch.randn(2, 3)
    found = exported(special)(x)
    assert found["inf"].eq(float("inf")).all()
    assert found["minus"].eq(float("-inf")).all()
    assert found["nan"].isnan().all()
    assert torch.equal(found["half"], x.half())


def test_sizes_computed_from_the_batch_are_computed_again() -> None:
    def sizes(layer: nn.Module, x: Tensor) -> Tensor:
        batch = x.shape[0]
        doubled = x.repeat(2, 1).reshape(batch * 2, 3)[: (batch * 2 + 1) // 2]
        return layer(doubled) * (batch**2) / max(batch, 1) + torch.arange(batch)[:, None] % 2

    x = torch.randn(5, 3)
    module = Lambda(sizes)
    torch.testing.assert_close(rebuild(export_module(module, (torch.randn(4, 3),)))(x), module(x))


def test_regions_may_lie_within_regions_and_read_what_is_outside() -> None:
    def nested(layer: nn.Module, x: Tensor) -> Tensor:
        y = layer(x)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            z = layer(y)
            half = z.dtype
        return y + z.to(torch.float32) * (half == torch.bfloat16)

    module, x = Lambda(nested), torch.randn(5, 3)
    rebuilt = rebuild(export_module(module, (torch.randn(4, 3),)))
    torch.testing.assert_close(rebuilt(x), module(x), rtol=0, atol=0)
    rebuilt(x).sum().backward()
    module(x).sum().backward()
    torch.testing.assert_close(rebuilt.layer.weight.grad, module.layer.weight.grad, rtol=0, atol=0)


def test_other_mappings_and_named_tuples_come_back_as_dicts_and_tuples() -> None:
    class Pair(NamedTuple):
        one: Tensor
        two: Tensor

    def returns(layer: nn.Module, x: Tensor) -> Any:
        named = Pair(layer(x), x)
        return OrderedDict(out=named.one, pair=named, more=defaultdict(list, x=x))

    found = exported(returns)(torch.randn(2, 3))
    assert (type(found), type(found["pair"]), type(found["more"])) == (dict, tuple, dict)


def test_a_circular_pad_survives() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"))
    x = torch.randn(3, 1, 5, 5)
    rebuilt = rebuild(export_module(module, (torch.randn(2, 1, 5, 5),)))
    torch.testing.assert_close(rebuilt(x), module(x), rtol=0, atol=0)


def test_several_inputs_and_a_nested_output_with_plain_values() -> None:
    def nested(layer: nn.Module, x: Tensor, y: Tensor) -> Any:
        return [(layer(x), None), {"y": y, "two": 2, "batch": x.shape[0]}]

    x, y = torch.randn(5, 3), torch.randint(0, 3, (5,))
    [(out, nothing), found] = exported(nested, torch.randn(4, 3), torch.randint(0, 3, (4,)))(x, y)
    assert (out.shape, nothing, found["two"], found["batch"]) == ((5, 3), None, 2, 5)
    assert torch.equal(found["y"], y)


def test_a_mask_made_on_first_use_is_part_of_the_graph() -> None:
    class Cached(nn.Module):
        mask: Tensor | None = None

        def forward(self, x: Tensor) -> Tensor:
            if self.mask is None:
                self.mask = torch.ones(3, 3).triu()
            return x @ self.mask

    x = torch.randn(2, 3)
    torch.testing.assert_close(rebuild(export_module(Cached(), (torch.randn(4, 3),)))(x), x.cumsum(1))


def test_constants_of_one_name_and_two_values_are_two() -> None:
    def by_mode(layer: nn.Linear, x: Tensor) -> Tensor:
        return layer(x) * 0 + (torch.tensor([1.0, 2.0, 3.0]) if layer.training else torch.tensor([4.0, 5.0, 6.0]))

    network = exported(by_mode)
    assert network.train()(torch.randn(1, 3)).tolist() == [[1, 2, 3]]
    assert network.eval()(torch.randn(1, 3)).tolist() == [[4, 5, 6]]


def test_the_vectors_of_a_spectral_norm_advance_as_the_modules_do() -> None:
    """They are written with `out=`, within a region without gradient."""
    module = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 5))
    rebuilt, x = rebuild(export_module(module, (torch.randn(3, 4),))), torch.randn(6, 4)
    for _ in range(2):
        torch.testing.assert_close(rebuilt(x), module(x))
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(rebuilt.state_dict()[name], tensor)
    torch.testing.assert_close(rebuilt.eval()(x), module.eval()(x))


def several(layer: nn.Module, x: Tensor) -> Tensor:
    y = layer(x)
    parts = [torch.zeros_like(part) for part in y.unbind(1)]
    torch.unbind_copy(y, 1, out=parts)
    return torch.stack(parts, 1)


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (several, "writes into something other than one tensor"),
        (lambda layer, x: torch.igamma(layer(x).exp(), x.exp(), out=torch.zeros_like(x)), "aten.igamma.default"),
    ],
)
def test_an_out_argument_is_one_tensor_of_an_allowed_operation(function: Any, fault: str) -> None:
    module = Lambda(function)
    module.requires_grad_(False)
    with pytest.raises(ExportError, match=fault):
        export_module(module, (torch.randn(4, 3),))


def test_modes_do_not_leak_out_of_a_region(cases: Cases) -> None:
    network = rebuild(cases("regions").graph).train()
    network(torch.randn(3, 6))
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")
    with torch.no_grad():
        network(torch.randn(3, 6))
        assert not torch.is_grad_enabled()


# ---------------------------------------------------------------- what cannot be exported


def branch(layer: nn.Module, x: Tensor) -> Tensor:
    y = layer(x)
    if y.sum() > 0:
        return y
    return -y


def fixed(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x.view(4, 3))


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (branch, "decides by the values of a tensor"),
        (fixed, "the batch axis is fixed at 4"),
        (lambda layer, x: (layer(x) for _ in "a"), "torch.export cannot follow forward"),
        (lambda layer, x: {1: layer(x)}, "forward returns a dict"),
        (lambda layer, x: torch.as_strided(layer(x), (3,), (1,)), "aten.as_strided.default, which a judge"),
        (lambda layer, x: layer(x).to_sparse(), "_to_sparse"),
        (lambda layer, x: torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,)), "cond, which a judge"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_sentence(function: Callable[..., Any], fault: str) -> None:
    with pytest.raises(ExportError) as caught:
        export_module(Lambda(function), (torch.randn(4, 3),))
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_of_a_branch_on_values_is_named() -> None:
    class Branch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(ExportError) as caught:
        export_module(Branch(), (torch.randn(4, 3),))
    assert caught.value.line == Branch.forward.__code__.co_firstlineno + 1
    assert caught.value.code == "not-exportable"


def test_a_network_that_does_not_run_is_a_fault_of_the_candidate() -> None:
    with pytest.raises(CandidateError, match="in train mode raised RuntimeError: mat1 and mat2") as caught:
        export_module(Lambda(lambda layer, x: layer(x.T)), (torch.randn(4, 3),))
    assert not isinstance(caught.value, ExportError)


@pytest.mark.parametrize("change", ["sparse", "shared memory", "odd dtype"])
def test_state_that_cannot_leave_is_named(change: str) -> None:
    module = Lambda(lambda layer, x: layer(x))
    if change == "sparse":
        module.register_buffer("odd", torch.zeros(3).to_sparse())
    elif change == "odd dtype":
        module.register_buffer("odd", torch.zeros(3, dtype=torch.complex128))
    else:
        module.odd = nn.Parameter(module.layer.weight.detach()[0])
    with pytest.raises(ExportError, match=r"odd|layer\.weight"):
        export_module(module, (torch.randn(4, 3),))


def test_a_constant_that_cannot_leave_is_named() -> None:
    module = Lambda(lambda layer, x: layer(x) * module.odd.real)
    module.odd = torch.zeros(3, dtype=torch.complex128)
    with pytest.raises(ExportError, match="a constant of the network"):
        export_module(module, (torch.randn(4, 3),))


# ---------------------------------------------------------------- inputs


def assert_same_state(found: nn.Module, expected: nn.Module) -> None:
    state = found.state_dict()
    assert {name: from_torch(value) for name, value in expected.state_dict().items()} == {
        name: from_torch(value) for name, value in state.items()
    }
