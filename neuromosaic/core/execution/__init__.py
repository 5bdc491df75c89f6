"""Executors: where trials run. Results stream back as they finish."""
