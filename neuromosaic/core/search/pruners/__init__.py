"""When a trial is not worth its next step: stopping it, or pausing it and going on with the best."""

from neuromosaic.core.search.pruners.median import MedianRule

__all__ = ["MedianRule"]
