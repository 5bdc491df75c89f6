"""NetworkArchitect: proposes families of networks."""

import ast
from collections.abc import Iterator, Mapping

from neuromosaic.agents.asking import ask
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.proposals import FamilyProposal, LossProposal, Request
from neuromosaic.core.role_inputs import FamilyInputs, LossInputs
from neuromosaic.core.space.moving import usual
from neuromosaic.core.space.parameters import Parameter, settled
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.syntax import defaults, method, parse
from neuromosaic.llm.protocols import ModelClient


def propose_family(client: ModelClient, inputs: FamilyInputs) -> FamilyProposal:
    """A family whose space fits its constructor; with `previous` and `findings`, that one mended.

    Raises ReplyError.
    """
    purpose = "repair" if inputs.previous is not None else "propose"
    request = Request[FamilyProposal](
        role="NetworkArchitect", purpose=purpose, inputs=inputs, reply=FamilyProposal, check=space_faults
    )
    return ask(client, request)


def mend_loss(client: ModelClient, inputs: LossInputs) -> LossProposal:
    """The loss that was refused, mended. Raises ReplyError."""
    request = Request[LossProposal](role="NetworkArchitect", purpose="mend-loss", inputs=inputs, reply=LossProposal)
    return ask(client, request)


def space_faults(proposal: FamilyProposal) -> list[str]:
    """What keeps `Model(**point)` from being called, as far as the source tells; the ladder finds all else."""
    constructor = method("__init__", parse(proposal.source))
    if constructor is None:
        fault = "model.py: class Model has no __init__ of its own, but space.json names arguments for it"
        return [fault] if proposal.space else []
    known, given = _arguments(constructor), defaults(constructor)
    faults: list[str] = []
    for name, parameter in proposal.space.items():
        if name not in known:
            faults.append(
                f"space.json: {name!r} is no argument of Model.__init__, which has {', '.join(known) or 'none'}"
            )
        elif name not in given:
            faults.append(f"model.py, line {known[name]}: argument {name!r} of Model.__init__ has no default")
        else:
            faults += _default_faults(name, parameter, given[name])
    return faults or _constraint_faults(proposal, given)


def _constraint_faults(proposal: FamilyProposal, given: Mapping[str, ast.expr]) -> list[str]:
    """The constructor's defaults are the first point that is tried: they must meet the constraints."""
    values = {name: ast.literal_eval(given[name]) for name in proposal.space}
    try:
        space = SearchSpace(proposal.space, proposal.constraints)
        space.check(settled(proposal.space, values, usual))
    except SpaceError as error:
        return [f"model.py: the defaults of Model.__init__ are outside space.json: {error}"]
    return []


def _default_faults(name: str, parameter: Parameter, default: ast.expr) -> Iterator[str]:
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError):
        said = ast.unparse(default)
        yield f"model.py, line {default.lineno}: the default of {name!r} must be a literal, not {said}"
        return
    if not parameter.contains(value):
        allowed = parameter.model_dump_json()
        yield f"model.py, line {default.lineno}: the default of {name!r}, {value!r}, is outside its space {allowed}"


def _arguments(constructor: ast.FunctionDef) -> dict[str, int]:
    """The line of each argument that can be given by name, without `self`."""
    positional = len(constructor.args.posonlyargs)
    named = constructor.args.args[0 if positional else 1 :]
    return {argument.arg: argument.lineno for argument in [*named, *constructor.args.kwonlyargs]}
