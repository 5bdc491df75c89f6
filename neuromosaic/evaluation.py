"""What scores architectures."""

from neuromosaic.core.search.evaluator import BaseEvaluator

__all__ = ["BaseEvaluator"]
