"""Networks as data, and spaces of them."""

from neuromosaic.core.architecture.archive import Archive
from neuromosaic.core.architecture.base import BaseArchitecture
from neuromosaic.core.architecture.notation import (
    Template,
    parse_spec,
    parse_template,
    write_spec,
    write_template,
)  # fmt: skip
from neuromosaic.core.architecture.operation import operations
from neuromosaic.core.architecture.registration import register_operation
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.architecture.summary import diff, similarity
from neuromosaic.core.space.annotated import Ordinal, Range, When, space_of
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.cells.spaces import (
    CellSpace,
    darts_cells,
    nasbench201_cells,
    read_nasbench201,
    write_nasbench201,
)
from neuromosaic.core.space.files import read_space
from neuromosaic.core.space.ready import limited, ready_space
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.space.topology import layer_parameters

__all__ = [
    "Archive",
    "ArchitectureSpec",
    "BaseArchitecture",
    "CellLayout",
    "CellSpace",
    "Input",
    "Layer",
    "Ordinal",
    "Range",
    "SearchSpace",
    "Template",
    "When",
    "darts_cells",
    "diff",
    "layer_parameters",
    "limited",
    "nasbench201_cells",
    "operations",
    "parse_spec",
    "parse_template",
    "read_nasbench201",
    "read_space",
    "ready_space",
    "register_operation",
    "similarity",
    "space_of",
    "write_nasbench201",
    "write_spec",
    "write_template",
]
