"""Attempts to break out of the sandbox and to cheat the judge, and the traps that tell whether one got through."""
