"""OpenAI's response object, read as an outcome."""

from typing import Any

import msgspec

from libs.responses.usage import usage_object
from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Usage
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.openai.client_view import ClientView

Json = dict[str, Any]

_ENDED = {"completed": "completed", "incomplete": "incomplete", "failed": "failed", "cancelled": "failed"}
# Failures of a response that say something about OpenAI at this moment, not about the request.
_PASSING = {"server_error": "upstream_unavailable", "rate_limit_exceeded": "rate_limit_exceeded"}


def read(body: bytes, call: Call) -> Outcome:
    """A whole answer. Raises ProviderFailure for an error body and for a failure that another provider may not have."""
    response = _response_in(body)
    try:
        ClientView(call).response(response)
        return outcome_of(response)
    except (TypeError, AttributeError, KeyError) as error:
        raise ProviderFailure(f"OpenAI's response cannot be read: {error}", billing="maybe") from None


def _response_in(body: bytes) -> Json:
    try:
        response = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        snippet = provider_errors.said(body).message
        raise ProviderFailure(f"OpenAI's answer is not JSON: {snippet}", billing="maybe") from None
    if not isinstance(response, dict) or response.get("object") != "response":
        said = provider_errors.said(body)
        what = said.message or "unknown shape"
        raise ProviderFailure(f"OpenAI's answer is not a response: {what}", billing="maybe", raw=said.raw)
    return response


def outcome_of(response: Json) -> Outcome:
    """What a response that has ended came to. Raises ProviderFailure for a failure that another provider may not have."""
    status = _ENDED.get(response.get("status", ""))
    if status is None:
        raise ProviderFailure(f"OpenAI's response is not finished: status {response.get('status')!r}", billing="maybe")
    error = response.get("error") or {}
    if status == "failed" and error.get("code") in _PASSING:
        code = _PASSING[error["code"]]
        what = f"OpenAI's response failed: {error.get('message')}"
        raise ProviderFailure(what, code=code, billing="maybe", raw={"error": error})
    if status == "failed" and not error:
        response["error"] = {"code": "server_error", "message": f"OpenAI ended the response with status {response['status']}."}
    complete_calls(response.get("output") or [])
    usage, counted = read_usage(response.get("usage"))
    if counted is not None:
        response["usage"] = counted
    return Outcome(status=status, response=response, usage=usage, provider_response_id=id_of(response))  # type: ignore[arg-type]


def id_of(response: Json) -> str:
    """OpenAI's id of the response; empty when it told none."""
    told = response.get("id")
    return told if isinstance(told, str) else ""


def complete_calls(items: list[Json]) -> None:
    """Some servers of this API leave out the `status` of a call."""
    for item in items:
        if item.get("type") == "function_call" and not item.get("status"):
            item["status"] = "completed"


def read_usage(given: Any) -> tuple[Usage, Json | None]:
    """The numbers, and the provider's object with both details objects filled in."""
    if not isinstance(given, dict):
        return Usage(source="none"), None
    into, out = given.get("input_tokens_details") or {}, given.get("output_tokens_details") or {}
    usage = Usage(
        input_tokens=_count(given, "input_tokens"),
        output_tokens=_count(given, "output_tokens"),
        cached_tokens=_count(into, "cached_tokens"),
        cache_write_tokens=_count(into, "cache_write_tokens"),
        reasoning_tokens=_count(out, "reasoning_tokens"),
    )
    ours = usage_object(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens, reasoning_tokens=usage.reasoning_tokens,
    )
    details = {
        "input_tokens_details": into | ours["input_tokens_details"], "output_tokens_details": out | ours["output_tokens_details"],
    }
    return usage, given | ours | details


def _count(said: Json, name: str) -> int:
    value = said.get(name)
    return value if type(value) is int and value > 0 else 0
