"""Networks as data, and spaces of them."""

from neuromosaic.core.architecture.base import BaseArchitecture
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
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
    "ArchitectureSpec",
    "BaseArchitecture",
    "CellLayout",
    "CellSpace",
    "Input",
    "Layer",
    "Ordinal",
    "Range",
    "SearchSpace",
    "When",
    "darts_cells",
    "layer_parameters",
    "limited",
    "nasbench201_cells",
    "read_nasbench201",
    "read_space",
    "ready_space",
    "space_of",
    "write_nasbench201",
]
