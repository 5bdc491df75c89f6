"""A module becomes a graph: `torch.export` in train and eval mode, with a free batch axis.

Runs inside the sandbox, on proposed code: nothing that it returns is believed before `rebuild` has checked it.
"""

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram, ShapesCollection

from neuromosaic.core.errors import CandidateError, ExportError
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.following import followed
from neuromosaic.core.graph.shapes import quick_shapes
from neuromosaic.core.graph.tensors import from_torch
from neuromosaic.core.graph.writer import known_size, write_trace
from neuromosaic.core.workers.conversation import is_out_of_memory

FORMAT = 1


def export_module(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], batch_axes: Sequence[int] = (0,), free: bool = True,
    methods: Mapping[str, tuple[torch.Tensor, ...]] | None = None,
) -> Graph:  # fmt: skip
    """The module's graph, with its weights as they are; the module is left as it was.

    `inputs` are examples with the batch on the first of `batch_axes`, at least two of them (one would be taken for a
    fixed size); without an axis, every size is fixed. `free`: a batch that the code fixes is a fault. `methods`: by
    name examples of the inputs of each other method that is traced, in eval mode.

    Raises ExportError, with the layer and the line where known, if the module runs but cannot be exported, and
    CandidateError if it does not even run on these inputs.
    """
    state = _State(module)
    constants = _Constants(state.tensors)
    training = module.training
    try:
        programs = {mode: _exported(module.train(mode == "train"), inputs, batch_axes) for mode in ("train", "eval")}
        for name, examples in (methods or {}).items():
            with _called(module, name):
                programs[name] = _exported(module, examples, batch_axes)
    finally:
        module.train(training)
    if free and batch_axes:
        for program in programs.values():
            _check_batch_is_free(program, batch_axes[0])
    traces = {mode: _trace(program, state, constants) for mode, program in programs.items()}
    document = {
        "format": FORMAT,
        "inputs": [
            _input(*sizes)
            for sizes in zip(*(_input_sizes(programs[mode]) for mode in ("train", "eval")), strict=True)
        ],
        "parameters": state.parameters,
        "buffers": state.buffers,
        "constants": constants.names,
        **traces,
    }
    return Graph(document, {**state.tensors, **constants.tensors})


@contextmanager
def _called(module: nn.Module, name: str) -> Iterator[None]:
    """Another method stands in for forward: torch.export follows no other."""
    module.__dict__["forward"] = getattr(module, name)
    try:
        yield
    finally:
        module.__dict__.pop("forward", None)


class _State:
    """The parameters and buffers of a module by name; a tensor with two names is stored under the first."""

    def __init__(self, module: nn.Module) -> None:
        self.tensors: dict[str, TensorData] = {}
        self.names: dict[str, str] = {}
        self._first: dict[int, str] = {}
        self._memory: dict[int, str] = {}
        self.parameters = [
            self._entry(name, tensor, {"requires_grad": tensor.requires_grad})
            for name, tensor in module.named_parameters(remove_duplicate=False)
        ]
        self.buffers = [
            self._entry(name, tensor, {"persistent": _is_persistent(module, name)})
            for name, tensor in module.named_buffers(remove_duplicate=False)
        ]

    def _entry(self, name: str, tensor: torch.Tensor, properties: dict[str, bool]) -> dict[str, Any]:
        first = self.names[name] = self._first.setdefault(id(tensor), name)
        if first != name:
            return {"name": name, **properties, "same_as": first}
        try:
            self.tensors[name] = from_torch(tensor)
        except (ValueError, RuntimeError) as error:
            raise ExportError(f"{name} cannot leave the sandbox: {error}", layer=name.rpartition(".")[0]) from None
        self._check_memory(name, tensor)
        return {"name": name, **properties}

    def _check_memory(self, name: str, tensor: torch.Tensor) -> None:
        owner = self._memory.setdefault(tensor.untyped_storage().data_ptr(), name) if tensor.numel() else name
        if owner != name:
            raise ExportError(f"{name} shares its memory with {owner} without being the same tensor; tie the tensor")


class _Constants:
    """Tensors that are neither parameter nor buffer, named so that both modes share what is equal."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.tensors: dict[str, TensorData] = {}
        self._taken = set(taken)

    @property
    def names(self) -> list[str]:
        return list(self.tensors)

    def add(self, target: str, tensor: torch.Tensor) -> str:
        data = from_torch(tensor)
        name, number = target, 1
        while name in self._taken or self.tensors.get(name, data) != data:
            name, number = f"{target}#{number}", number + 1
        self.tensors[name] = data
        return name


def _trace(program: ExportedProgram, state: _State, constants: _Constants) -> dict[str, Any]:
    try:
        named = {target: constants.add(target, value) for target, value in _constant_tensors(program)}
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"a constant of the network cannot leave the sandbox: {error}") from None
    return write_trace(program, state.names, named)


def _exported(module: nn.Module, inputs: tuple[torch.Tensor, ...], batch_axes: Sequence[int]) -> ExportedProgram:
    shapes: Any = ShapesCollection()  # type: ignore[no-untyped-call]
    for tensor in inputs:
        shapes[tensor] = {axis: Dim.AUTO for axis in batch_axes[:1] if tensor.ndim > axis}
    try:
        with _attributes_kept(module), quick_shapes(), followed(module):
            return torch.export.export(module, inputs, dynamic_shapes=shapes, strict=False)
    except Exception as error:  # noqa: BLE001  proposed code may raise anything; all of it is a verdict on the code
        _check_it_runs(module, inputs)
        raise ExportError(_cause(error), code="not-exportable", line=_line(module, error)) from None


@contextmanager
def _attributes_kept(module: nn.Module) -> Iterator[None]:
    """torch.export warns of a module that assigns tensors to attributes: every GRU and LSTM does (`_flat_weights`),
    and so does a mask that is made on first use. The trace is right without them, but a new attribute would stay
    behind, without values."""
    kept = [(part, dict(part.__dict__)) for part in module.modules()]
    try:
        with warnings.catch_warnings():
            message = "The tensor attribute.* assigned during export"
            warnings.filterwarnings("ignore", message=message, category=UserWarning)
            yield
    finally:
        for part, attributes in kept:
            part.__dict__.clear()
            part.__dict__.update(attributes)


def _check_it_runs(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    try:
        trial = copy.deepcopy(module)
        with torch.no_grad():
            trial(*(tensor.clone() for tensor in inputs))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"forward in {'train' if module.training else 'eval'} mode raised {_named(error)}"
        code = "train-raised" if module.training else "forward-raised"
        raise CandidateError(message, code, _line(module, error)) from None


def _check_batch_is_free(program: ExportedProgram, axis: int) -> None:
    for sizes, _ in _input_sizes(program):
        if len(sizes) > axis and sizes[axis] is not None:
            message = f"the batch axis is fixed at {sizes[axis]}; use x.shape[{axis}] or -1 instead of a number"
            raise ExportError(message, code="fixed-batch")


def _input_sizes(program: ExportedProgram) -> list[tuple[list[int | None], str]]:
    """Sizes, None for a free one, and dtype of every input."""
    values = [
        step.meta.get("val")
        for step in program.graph.nodes
        if step.op == "placeholder" and step.name in program.graph_signature.user_inputs
    ]
    return [
        ([known_size(size) for size in value.shape], str(value.dtype).removeprefix("torch."))
        for value in values
        if isinstance(value, torch.Tensor)
    ]


def _constant_tensors(program: ExportedProgram) -> list[tuple[str, torch.Tensor]]:
    buffers = program.graph_signature.non_persistent_buffers
    return [
        (name, value)
        for name, value in program.constants.items()
        if isinstance(value, torch.Tensor) and name not in buffers
    ]


def _input(train: tuple[list[int | None], str], evaluated: tuple[list[int | None], str]) -> dict[str, Any]:
    """A size is free where it is so in both modes."""
    (sizes, dtype), (others, _) = train, evaluated
    shape = [other if size is None else size for size, other in zip(sizes, others, strict=True)]
    return {"dtype": dtype, "shape": shape}


def _is_persistent(module: nn.Module, name: str) -> bool:
    path, _, key = name.rpartition(".")
    return key not in module.get_submodule(path)._non_persistent_buffers_set


def _cause(error: BaseException) -> str:
    if "data-dependent" in str(error):
        return "forward decides by the values of a tensor, which a graph cannot hold; use torch.where instead of if"
    return f"torch.export cannot follow forward: {_sentence(error)}"


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {_sentence(error)}"


def _sentence(error: BaseException) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)[:300]


def _line(module: nn.Module, error: BaseException) -> int | None:
    """The innermost line of the file that holds the module's `forward`."""
    code = getattr(getattr(type(module), "forward", None), "__code__", None)
    line = None
    trace = error.__traceback__
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
