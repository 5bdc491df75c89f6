"""What scores architectures."""

from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator
from neuromosaic.core.search.evaluator import BaseEvaluator

__all__ = ["BaseEvaluator", "TrainingEvaluator"]
