"""A user's data: read from anywhere, split once and for all, prepared alike for training and for use."""

from neuromosaic.core.evaluation.data.dataset import Dataset, Split, describe
from neuromosaic.core.evaluation.data.loading import load_dataset, load_inputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing

__all__ = ["Dataset", "Preprocessing", "Split", "describe", "load_dataset", "load_inputs"]
