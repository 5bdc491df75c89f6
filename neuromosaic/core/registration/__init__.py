"""Architecture types of a user's own: registered, checked at once, found again by name."""

from neuromosaic.core.registration.registry import register_architecture, registered, registered_names
from neuromosaic.core.registration.types import Options, Registration, RegistrationWarning

__all__ = [
    "Options",
    "Registration",
    "RegistrationWarning",
    "register_architecture",
    "registered",
    "registered_names",
]
