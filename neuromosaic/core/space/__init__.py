"""Search spaces: named parameters, sampling, mutation."""
