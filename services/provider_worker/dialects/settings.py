"""Settings of a request that the Responses API has no field for, or that say nothing beyond a default."""

from collections.abc import Mapping
from typing import Any

LOGPROBS = "message.output_text.logprobs"
"""The word in `include` that asks for log probabilities."""
_DEFAULTS: dict[str, Any] = {
    "n": 1, "temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "top_logprobs": 0, "truncation": "disabled",
    "service_tier": "auto", "stop": [], "logit_bias": {},
}


def is_default(name: str, value: Any) -> bool:
    """Whether a setting only says what happens anyway, so that it is not worth a word when it is left out."""
    return value is None or value is False or value == "" or value == _DEFAULTS.get(name)


def stop_strings(request: Mapping[str, Any]) -> list[str]:
    """Where the answer is to end; [] when the request does not say."""
    stop = request.get("stop")
    given = stop if isinstance(stop, list) else [stop]
    return [text for text in given if text and isinstance(text, str)]


def logprobs_asked(request: Mapping[str, Any]) -> int | None:
    """How many alternatives to each token are to be told with its log probability; None when neither is asked for."""
    most = request.get("top_logprobs") or 0
    return most if most or LOGPROBS in (request.get("include") or ()) else None
