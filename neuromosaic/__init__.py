"""Neuromosaic: neural networks designed test-first, measured, and delivered as plain PyTorch."""

__version__ = "0.1.0"
