"""Every other provider, by LiteLLM's SDK (never its proxy, never its caches)."""

import importlib
import os
from functools import cache
from typing import Any

from neuromosaic.core.errors import ModelRefusedError
from neuromosaic.llm.completion import Completion, Connection, Send, completion


def litellm_completion(model: str, connection: Connection) -> Completion:
    """`model` is "provider/NAME" as LiteLLM knows it; keys come from the environment, as each provider names them."""

    return completion(model, connection, litellm_sender(model, connection))


def litellm_sender(model: str, connection: Connection) -> Send:
    """The way to send one request."""

    def send(arguments: dict[str, Any]) -> Any:
        import openai

        from neuromosaic.llm.faults import redacted

        fixed = {"api_base": connection.api_base, "timeout": connection.timeout, "num_retries": 0, "max_retries": 0}
        try:
            return _litellm().completion(model=model, **fixed, **arguments)
        except openai.OpenAIError:
            raise
        except Exception as error:  # noqa: BLE001 - LiteLLM's providers raise whatever they like
            said = redacted(" ".join(str(error).split()))[:300]
            raise ModelRefusedError(f"LiteLLM cannot ask {model}: {type(error).__name__}: {said}") from None

    return send


@cache
def _litellm() -> Any:
    # Without this, the import fetches a price list over the network.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.drop_params = True  # settings that a provider does not know
    return litellm
