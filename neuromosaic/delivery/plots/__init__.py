"""Plots of the report: inline SVG whose colours the page's style sheet decides."""
