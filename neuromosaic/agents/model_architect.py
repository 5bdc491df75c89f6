"""ModelArchitect: extends a network that is there."""

import ast
import re

from neuromosaic.agents.asking import ask
from neuromosaic.agents.network_architect import space_faults
from neuromosaic.core.errors import UsageError
from neuromosaic.core.proposals import FamilyProposal, Request
from neuromosaic.core.role_inputs import ExtensionInputs
from neuromosaic.core.syntax import defaults, method, parse
from neuromosaic.llm.protocols import ModelClient

OTHER_NAME = "GivenModel"
"""What a given class is called that has the name of the delivered one."""


def extend_family(client: ModelClient, inputs: ExtensionInputs) -> FamilyProposal:
    """A family that holds the given class and adds to it; with `previous` and `findings`, that one mended.

    Raises ReplyError.
    """
    purpose = "repair" if inputs.previous is not None else "extend"
    request = Request[FamilyProposal](
        role="ModelArchitect", purpose=purpose, inputs=inputs, reply=FamilyProposal, check=space_faults
    )
    return ask(client, request)


def read_given(source: str, entry: str, where: str) -> tuple[str, str]:
    """The source with the class under a name that leaves `Model` free, and that name.

    Raises UsageError where there is no such class, or `Class()` cannot be called.
    """
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{where} is not Python: {error}") from None
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    if entry not in classes:
        raise UsageError(f"{where} has no class {entry} at its top level: it has {', '.join(classes) or 'none'}")
    constructor = method("__init__", tree, entry)
    if constructor is not None and (missing := _without_default(constructor)):
        raise UsageError(f"{where}: {entry}() needs {', '.join(missing)}: give these arguments defaults there")
    if entry != "Model":
        return source, entry
    return re.sub(r"\bModel\b", OTHER_NAME, source), OTHER_NAME


def as_family(source: str, entry: str) -> FamilyProposal:
    """The given network as it is: the baseline that an extension has to beat."""
    model = f'\n\nclass Model({entry}):\n    """The given network, as it is."""\n'
    return FamilyProposal(
        name=f"{entry} as given", source=source.rstrip() + "\n" + model, space={}, rationale="The baseline to beat."
    )


def _without_default(constructor: ast.FunctionDef) -> list[str]:
    known = defaults(constructor)
    arguments = [*constructor.args.posonlyargs, *constructor.args.args][1:]
    return [one.arg for one in (*arguments, *constructor.args.kwonlyargs) if one.arg not in known]
