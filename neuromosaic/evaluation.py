"""What scores architectures."""

from neuromosaic.core.evaluation.comparison import Estimate, difference, estimate
from neuromosaic.core.evaluation.curves import CurveForecast
from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator
from neuromosaic.core.search.evaluator import BaseEvaluator

__all__ = ["BaseEvaluator", "CurveForecast", "Estimate", "TrainingEvaluator", "difference", "estimate"]
