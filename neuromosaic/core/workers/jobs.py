"""What a worker can do with a network: each kind of job is one function on an nn.Module."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation import measuring, probing, stacked, training
from neuromosaic.core.evaluation import proxies as cheap
from neuromosaic.core.evaluation.checkpoint import STATE
from neuromosaic.core.evaluation.hardware import roofline
from neuromosaic.core.evaluation.loop import Loop
from neuromosaic.core.evaluation.losses import answer, loss_function
from neuromosaic.core.evaluation.profiling import speeds
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import FileData
from neuromosaic.core.graph.examples import draw_inputs
from neuromosaic.core.graph.placing import placed
from neuromosaic.core.graph.rebuild import Rebuilt
from neuromosaic.core.graph.tensors import from_torch, to_torch
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.signature import signature_of
from neuromosaic.core.workers.behaviour import behave
from neuromosaic.core.workers.conversion import convert
from neuromosaic.core.workers.inspection import inspect
from neuromosaic.core.workers.learning import learn
from neuromosaic.core.workers.reopening import race, reopen
from neuromosaic.core.workers.weighing import weigh

WEIGHTS: Final = "weights/"


def _start_from(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copies those of the weights that have their place in the network."""
    own = module.state_dict()
    with torch.no_grad():
        for place, tensor in placed(weights, own).items():
            own[place].copy_(tensor)


def train(module: nn.Module, job: Job, converse: Converse, loop_of: Callable[..., Loop] | None = None) -> Message:
    """Trains, reporting the validation outputs of each epoch and doing as the answers say."""

    def report(
        epoch: int, of: int, train_loss: float, seconds: float, outputs: Tensor, terms: dict[str, float]
    ) -> tuple[bool, bool]:
        body: dict[str, Any] = {"epoch": epoch, "of": of, "train_loss": train_loss, "seconds": seconds}
        body |= {"terms": _finite(terms)} if terms else {}
        told = converse(Message(body, {"outputs": from_torch(outputs)})).body
        return bool(told["stop"]), bool(told["keep"])

    x, y, validation_x = (_examples_called(name, job) for name in ("x", "y", "validation_x"))
    teacher = _examples_called("teacher", job) if "teacher" in job.tensors.keys() | job.files.keys() else None
    noise = to_torch(job.tensors["noise"]) if "noise" in job.tensors else None
    contract, recipe = job.arguments["contract"], job.arguments["recipe"]
    _start_from(module, _under(job, WEIGHTS))
    trained = training.train(
        module, x, y, Recipe.model_validate(recipe), fidelity=job.arguments["fidelity"],
        seed=job.arguments["seed"], device=_device(job), validation_x=validation_x,
        contract=Contract.model_validate(contract), report=report, pause_at=job.arguments.get("pause_at"),
        state=_under(job, STATE), teacher=teacher, noise=noise,
        sparing=job.arguments.get("sparing", False), loop_of=loop_of,
    )  # fmt: skip
    weights = {name: from_torch(tensor) for name, tensor in (trained.weights or {}).items()}
    held = {f"{STATE}{name}": from_torch(tensor) for name, tensor in (trained.state or {}).items()}
    return Message({"epochs": trained.epochs, "cause": trained.cause}, weights | held)


def train_stacked(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Trains several copies side by side; a member's initial weights are the tensors under "NUMBER/".

    The weights come back under "NUMBER/" as well.
    """

    def report(epoch: int, of: int, train_losses: Tensor, seconds: float, outputs: Tensor) -> list[tuple[bool, bool]]:
        told = [loss if loss == loss and abs(loss) < float("inf") else None for loss in train_losses.tolist()]
        body = {"epoch": epoch, "of": of, "train_losses": told, "seconds": seconds}
        answers = converse(Message(body, {"outputs": from_torch(outputs)})).body["answers"]
        return [(bool(answer["stop"]), bool(answer["keep"])) for answer in answers]

    recipes, seeds = job.arguments["recipes"], job.arguments["seeds"]
    members = [
        stacked.Member(Recipe.model_validate(recipe), seed, _under(job, f"{number}/"))
        for number, (recipe, seed) in enumerate(zip(recipes, seeds, strict=True))
    ]
    trained = stacked.train_stacked(
        _rebuilt(module), members, to_torch(job.tensors["x"]), to_torch(job.tensors["y"]),
        fidelity=job.arguments["fidelity"], device=_device(job), validation_x=to_torch(job.tensors["validation_x"]),
        contract=Contract.model_validate(job.arguments["contract"]), report=report,
    )  # fmt: skip
    weights = {
        f"{number}/{name}": from_torch(tensor)
        for number, one in enumerate(trained)
        for name, tensor in (one.weights or {}).items()
    }
    return Message({"members": [{"epochs": one.epochs, "cause": one.cause} for one in trained]}, weights)


def stacking_gain(module: nn.Module, job: Job, converse: Converse) -> Message:
    """How many times as fast `count` trainings are side by side as one after another."""
    gain = stacked.stacking_gain(
        _rebuilt(module), Recipe.model_validate(job.arguments["recipe"]), job.arguments["count"],
        to_torch(job.tensors["x"]), to_torch(job.tensors["y"]), device=_device(job),
        contract=Contract.model_validate(job.arguments["contract"]),
    )  # fmt: skip
    return Message({"gain": gain})


def precision(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Seconds and losses of some training steps in each precision."""
    tried = probing.try_precisions(
        module, to_torch(job.tensors["x"]), to_torch(job.tensors["y"]),
        Recipe.model_validate(job.arguments["recipe"]), seed=job.arguments["seed"], device=_device(job),
        contract=Contract.model_validate(job.arguments["contract"]),
    )  # fmt: skip
    return Message({"tried": {name: one._asdict() for name, one in tried.items()}})


def proxies(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Zero-cost proxies by name, on the batch "x", "y"."""
    recipe, device = Recipe.model_validate(job.arguments["recipe"]), _device(job)
    x, y = (to_torch(job.tensors[name]).to(device) for name in ("x", "y"))
    probe = cheap.Probe(_rebuilt(module).to(device), x, y, loss_function(recipe, x.device))
    return Message({"proxies": cheap.proxies(probe, job.arguments["seed"])})


def predict(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Outputs for `x` in eval mode, with the given weights or those that the network came with; of a network of the
    kind "generative" what it does with `x` and `noise`."""
    weights = {name: to_torch(tensor) for name, tensor in job.tensors.items() if name.startswith(WEIGHTS)}
    if weights:
        module.load_state_dict({name.removeprefix(WEIGHTS): tensor for name, tensor in weights.items()})
    device = _device(job)
    x, noise = (to_torch(job.tensors[name]).to(device) if name in job.tensors else None for name in ("x", "noise"))
    assert x is not None  # there is nothing to predict without
    generative = job.arguments.get("generative")
    outputs = training.predict(module.to(device), x, job.arguments["batch"], noise, generative)
    return Message({}, {"outputs": from_torch(outputs)})


def measure(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Latency of one forward pass of a batch, in milliseconds."""
    contract, device = Contract.model_validate(job.arguments["contract"]), _device(job)
    inputs = _examples(contract, job.arguments["batch"], device)
    return Message(measuring.latency(module.to(device), inputs, job.arguments["repeats"])._asdict())


def profile(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Speed at each of the "batches", and the roofline that it is compared with."""
    contract, device = Contract.model_validate(job.arguments["contract"]), _device(job)
    machine, module = roofline(device), module.to(device)
    found = speeds(
        module, lambda batch: _examples(contract, batch, device), job.arguments["batches"], job.arguments["repeats"],
        machine,
    )  # fmt: skip
    return Message({"roofline": machine._asdict(), "speeds": [one._asdict() for one in found]})


def ping(module: nn.Module, job: Job, converse: Converse) -> Message:
    """One pass, or none, as often as the host asks: it is the host that takes the time.

    Every answer carries outputs, also where no pass was asked for, so that both cost the same to send.
    """
    x = to_torch(job.tensors["x"])
    module.eval()
    with torch.no_grad():
        outputs = answer(module(x))
        while (wanted := converse(Message({}, {"outputs": from_torch(outputs)})).body["pass"]) != "end":
            if wanted == "forward":
                outputs = answer(module(x))
    return Message({})


JOBS: Final[dict[str, Callable[[nn.Module, Job, Converse], Message]]] = {
    "inspect": inspect,
    "behave": behave,
    "learn": learn,
    "train": train,
    "train_stacked": train_stacked,
    "stacking_gain": stacking_gain,
    "precision": precision,
    "proxies": proxies,
    "predict": predict,
    "measure": measure,
    "profile": profile,
    "ping": ping,
    "convert": convert,
    "reopen": reopen,
    "race": race,
    "weigh": weigh,
}


def _examples_called(name: str, job: Job) -> Tensor | FileData:
    """As a tensor, or where they lie on the disk."""
    return job.files[name] if name in job.files else to_torch(job.tensors[name])


def _finite(terms: dict[str, float]) -> dict[str, float]:
    """JSON knows no others."""
    return {name: value for name, value in terms.items() if abs(value) < float("inf")}


def _rebuilt(module: nn.Module) -> Rebuilt:
    if not isinstance(module, Rebuilt):
        raise ValueError("only a rebuilt graph can be stacked or probed, not proposed Python")
    return module


def _under(job: Job, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): to_torch(data) for name, data in job.tensors.items() if name.startswith(prefix)
    }


def _device(job: Job) -> str:
    """The worker's own: it adds the device to the arguments of each job."""
    return str(job.arguments.get("device", "cpu"))


def _examples(contract: Contract, batch: int, device: str) -> tuple[Tensor, ...]:
    return tuple(tensor.to(device) for tensor in draw_inputs(signature_of(contract), batch, seed=0))
