"""Admission, pure: a decoded body and some headers in, the facts of the request out."""

from collections.abc import Collection, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct

from libs.contracts.decisions import Target
from libs.contracts.errors import InvalidRequest
from libs.contracts.models import DEFAULT_MODEL, PROVIDERS, mode_of, parse_model, provider_of
from libs.contracts.requests import RequestFacts
from libs.responses.text import facts as content_facts
from services.edge.formats.format import StreamFormat
from services.edge.preferences import preferences

KEY_HEADERS = {f"x-{provider}-key": provider for provider in PROVIDERS}
_encode = msgspec.json.Encoder().encode


class Admission(Struct, frozen=True, kw_only=True):
    """A request that may enter the pipeline."""

    facts: RequestFacts
    stream: bool
    stream_format: StreamFormat
    body: bytes
    """Canonical JSON; the client's own bytes when nothing had to change."""


def admit(
    request: dict[str, Any], headers: Mapping[str, str], default_format: StreamFormat, providers: Collection[str] = (),
    facts: dict[str, Any] | None = None, raw: bytes = b"",
) -> Admission:
    """Check a canonical request and learn what later stages need to know of it. `providers`: those of the workers beyond the known
    ones. `facts`: of a request that is not for an answer. `raw`: the client's bytes, where they say the same as `request`.

    Raises InvalidRequest with `param`."""
    _check(request)
    return Admission(
        facts=RequestFacts(
            model=request.get("model", DEFAULT_MODEL),
            target=_target(request),
            override=_override(request, providers),
            metadata=request.get("metadata", {}),
            preferences=preferences(request["provider"]) if "provider" in request else None,
            user=_user(request),
            explain=headers.get("x-tokenrouter-explain", "").lower() in ("true", "1"),
            **(content_facts(request) if facts is None else facts),
        ),
        stream=request.get("stream", False),
        stream_format=_stream_format(headers, request, default_format),
        body=raw or _encode(request),
    )


def _check(request: dict[str, Any]) -> None:
    """Ranges, and what contradicts itself."""
    if request.get("input") == []:
        raise InvalidRequest("input must not be an empty array", param="input")
    if request.get("background") and request.get("store") is False:
        raise InvalidRequest("background responses must be stored; leave store out, or background", param="background")
    for param, (low, high) in _RANGES.items():
        given = request.get(param)
        if given is not None and not (low <= given and (high is None or given <= high)):
            wanted = f"at least {low}" if high is None else f"from {low} to {high}"
            raise InvalidRequest(f"{param} must be {wanted}", param=param)


_RANGES: dict[str, tuple[int, int | None]] = {
    "max_output_tokens": (1, None), "max_tool_calls": (0, None), "temperature": (0, 2), "top_p": (0, 1), "top_logprobs": (0, 20),
}


def _target(request: dict[str, Any]) -> Target:
    if "model" not in request:
        return Target()
    model = request["model"].strip()
    if not model:
        raise InvalidRequest("model must not be empty; leave it out for auto:balance", param="model")
    target = parse_model(model)
    if target.model is not None and target.model.startswith("auto:"):
        raise InvalidRequest(f"unknown mode in model '{model}': use auto:balance, auto:cost, auto:quality or auto:latency", param="model")
    if target.model == "":
        raise InvalidRequest(f"model '{model}' names no model", param="model")
    return target


def _user(request: dict[str, Any]) -> str:
    """Who is behind the request, as far as it says."""
    for name in ("safety_identifier", "prompt_cache_key", "user"):
        given = request.get(name)
        if isinstance(given, str) and given:
            return given
    return ""


def _override(request: dict[str, Any], providers: Collection[str]) -> Target:
    provider = mode = None
    if "router_provider" in request:
        asked = request["router_provider"]
        provider = provider_of(asked) or (asked if asked in providers else None)
        if provider is None:
            known = dict.fromkeys((*PROVIDERS, *providers))
            raise InvalidRequest(f"router_provider must be one of {', '.join(known)}", param="router_provider")
    if "router_mode" in request:
        mode = mode_of(request["router_mode"])
        if mode is None:
            raise InvalidRequest("router_mode must be balance, cost, quality or latency", param="router_mode")
    return Target(provider=provider, model=request.get("router_model") or None, mode=mode)


def _stream_format(headers: Mapping[str, str], request: dict[str, Any], default: StreamFormat) -> StreamFormat:
    header = headers.get("x-tokenrouter-stream-format")
    asked = header or request.get("stream_options", {}).get("format") or default
    for known in get_args(StreamFormat):
        if asked == known:
            return known  # type: ignore[no-any-return]
    param = "X-TokenRouter-Stream-Format" if header else "stream_options.format"
    raise InvalidRequest(f"unknown stream format '{asked}': use openai or tokenrouter", param=param)
