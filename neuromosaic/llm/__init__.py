"""The model clients: whatever answers the roles' requests."""

ALLOW_MODEL_REQUESTS = True
"""False: a request to a model beyond this machine raises `ModelRefusedError`. Tests switch it off."""
