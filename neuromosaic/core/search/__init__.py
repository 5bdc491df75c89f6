"""Strategies, pruners, the Pareto set and the engine that ties them together."""
