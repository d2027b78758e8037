"""Chat Completions, as OpenAI streams them, and below `/mistral` as Mistral does.

Without `stream_options` the usage rides on the last chunk, as DeepSeek and Mistral send it.
"""

from typing import Any

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.script import ARGUMENTS, Item, Json, Script, calls, data, pieces

_USAGE = {
    "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 0},
}  # fmt: skip
# Nine letters and digits, as Mistral wants them.
_CALL_ID = "callup001"


def script(call: Call, behaviour: Behaviour) -> Script:
    tools = call.body.get("tools") or [{}]
    name = tools[0].get("function", {}).get("name", "lookup")
    texts = [behaviour.text for called in calls(behaviour) if not called]
    message: Json = {"role": "assistant", "content": "".join(texts) if texts else None}
    if behaviour.call:
        message["tool_calls"] = [_call(name, ARGUMENTS)]
    finish = "tool_calls" if behaviour.call else "stop"
    whole = _completion(call, "chat.completion", [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}], _USAGE)
    items = [_streamed_call(call, name, behaviour.chunks) if called else _streamed_text(call, behaviour) for called in calls(behaviour)]
    return Script(whole, _delta(call, {"role": "assistant", "content": "", "refusal": None}), items, _closing(call, finish))


def _completion(call: Call, kind: str, choices: list[Json], usage: Json | None) -> Json:
    answered = {"id": "chatcmpl-up", "object": kind, "created": 1, "model": call.body["model"], "choices": choices}
    return answered | ({"usage": usage} if usage else {})


def _delta(call: Call, delta: Json, finish: str | None = None, usage: Any = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return data(_completion(call, "chat.completion.chunk", [choice], usage))


def _call(name: str, arguments: str) -> Json:
    return {"id": _CALL_ID, "type": "function", "function": {"name": name, "arguments": arguments}}


def _streamed_text(call: Call, behaviour: Behaviour) -> Item:
    return Item(b"", [_delta(call, {"content": piece}) for piece in pieces(behaviour.text, behaviour.chunks)], b"")


def _streamed_call(call: Call, name: str, chunks: int) -> Item:
    if call.path.startswith("/mistral"):
        # Mistral sends a call in one piece, and its SDK takes no other.
        return Item(b"", [_delta(call, {"tool_calls": [{"index": 0} | _call(name, ARGUMENTS)]})], b"")
    opening = _delta(call, {"tool_calls": [{"index": 0} | _call(name, "")]})
    deltas = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces(ARGUMENTS, chunks)]
    return Item(opening, [_delta(call, delta) for delta in deltas], b"")


def _closing(call: Call, finish: str) -> bytes:
    if (call.body.get("stream_options") or {}).get("include_usage"):
        last = _delta(call, {}, finish) + data(_completion(call, "chat.completion.chunk", [], _USAGE))
    else:
        last = _delta(call, {}, finish, _USAGE)
    return last + b"data: [DONE]\n\n"
