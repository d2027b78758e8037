"""Reads Chat Completions requests.

https://platform.openai.com/docs/api-reference/chat/create
"""

from typing import Any

import msgspec

from services.sandbox import tokens
from services.sandbox.asked import Asked
from services.sandbox.chat import history, tools
from services.sandbox.chat.provider import Provider


def read(request: dict[str, Any], provider: Provider) -> Asked:
    """What is asked for. Raises Problem."""
    model = _model(request, provider)
    for name in request:
        if name not in provider.fields:
            provider.refuse("field_unknown", request[name], name=name)
    _check_warmth(model, request, provider)
    thinking = provider.thinks(model, request)
    messages = history.checked(request.get("messages"), model, thinking, provider)
    choice, offered = tools.read(request, thinking, provider)
    text, results, images = history.last_turn(messages)
    read = tokens.readable({name: request.get(name) for name in ("tools", "messages")})
    parallel = "parallel_tool_calls" not in provider.fields or request.get("parallel_tool_calls") is not False
    stops = request.get("stop") or []
    return Asked(
        model=model, text=text, results=results, images=images, tools=offered, choice=choice, stream=bool(request.get("stream")),
        read=read, parallel=parallel, schema=_schema(request, messages, provider), thinking=thinking, limit=_limit(request, provider),
        stops=[stops] if isinstance(stops, str) else stops, cache="automatic" if provider.caches(request) else "off",
    )  # fmt: skip


def _model(request: dict[str, Any], provider: Provider) -> str:
    model = request.get("model")
    if not isinstance(model, str) or not model:
        provider.refuse("model_missing", request)
    elif not provider.models.fullmatch(model):
        provider.refuse("model_unknown", model=model)
    return str(model)


def _check_warmth(model: str, request: dict[str, Any], provider: Provider) -> None:
    warmth = request.get("temperature")
    if isinstance(warmth, int | float) and not 0 <= warmth <= provider.hottest:
        provider.refuse("temperature", warmth, value=warmth)
    if not provider.fixed.match(model):
        return
    if warmth not in (None, 1):
        provider.refuse("temperature_fixed", warmth, value=warmth)
    if request.get("max_tokens") is not None:
        provider.refuse("limit_field")


def _limit(request: dict[str, Any], provider: Provider) -> int | None:
    limits = {name: request[name] for name in provider.limits if request.get(name) is not None}
    for name, value in limits.items():
        if not isinstance(value, int) or value < 1:
            provider.refuse("limit", value, name=name, value=value)
    return next(iter(limits.values()), None)


def _schema(request: dict[str, Any], messages: list[Any], provider: Provider) -> dict[str, Any] | None:
    wanted = request.get("response_format") or {}
    kind = wanted.get("type", "text")
    if kind not in provider.formats:
        provider.refuse("format_unknown", kind, kind=kind)
    if kind == "json_schema":
        schema: dict[str, Any] = (wanted.get("json_schema") or {}).get("schema") or {}
        return schema
    if kind == "json_object":
        if b"json" not in msgspec.json.encode(messages).lower():
            provider.refuse("json_unnamed")
        return {}
    return None
