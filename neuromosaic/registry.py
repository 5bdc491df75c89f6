"""Registering architecture types of your own: see docs/add_your_own_architecture_type.md."""

from neuromosaic.core.registration import (
    Options,
    Registration,
    RegistrationWarning,
    register_architecture,
    registered,
    registered_names,
)

__all__ = [
    "Options",
    "Registration",
    "RegistrationWarning",
    "register_architecture",
    "registered",
    "registered_names",
]
