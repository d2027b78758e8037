"""Chat messages as input items: calls and results are items of their own."""

from collections.abc import Callable
from typing import Any

import msgspec

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.chat_fields import expect
from services.edge.ingress.chat_parts import content_of
from services.edge.ingress.chat_reasoning import with_thoughts

Json = dict[str, Any]

_NAMED_ROLES = frozenset({"system", "developer", "user"})


def items_of(messages: list[Any]) -> list[Json]:
    """The items. Raises InvalidRequest, naming the place in `messages`."""
    form = 'an object such as {"role": "user", "content": "…"}'
    return _Conversation([expect(dict, message, form, f"messages[{index}]") for index, message in enumerate(messages)]).items()


class _Conversation:
    def __init__(self, messages: list[Json]) -> None:
        self._messages = messages
        self._several = _roles_of_several(messages)
        self._calls: dict[str, str] = {}
        """Id of a call → the type of its item."""
        self._unanswered: dict[str, str] = {}
        """Name of a legacy function that was called → the id that was made up for the call."""
        self._legacy = 0
        self._roles: dict[str, Callable[[Json, str], list[Json]]] = {
            "system": self._said, "developer": self._said, "user": self._said, "assistant": self._assistant, "tool": self._result,
            "function": self._function_result,
        }

    def items(self) -> list[Json]:
        made: list[Json] = []
        for index, message in enumerate(self._messages):
            role = message.get("role")
            if not isinstance(role, str) or role not in self._roles:
                where = f"messages[{index}].role"
                raise InvalidRequest(f"{where} must be one of {', '.join(self._roles)}.", param=where)
            made += self._roles[role](message, f"messages[{index}]")
        return made

    def _said(self, message: Json, where: str) -> list[Json]:
        role, name = message["role"], message.get("name")
        content = content_of(message.get("content"), role, f"{where}.content")
        if name is not None:
            expect(str, name, "a string", f"{where}.name")
            if name and role in self._several:
                content = _spoken_by(name, content)
        return [{"type": "message", "role": role, "content": content}]

    def _assistant(self, message: Json, where: str) -> list[Json]:
        items = _answer(message, where)
        if message.get("tool_calls") is not None:
            calls = expect(list, message["tool_calls"], "an array of calls", f"{where}.tool_calls")
            items += [self._call(call, f"{where}.tool_calls[{index}]") for index, call in enumerate(calls)]
        if message.get("function_call") is not None:
            items.append(self._function_call(message["function_call"], f"{where}.function_call"))
        return with_thoughts(items, message)

    def _call(self, given: Any, where: str) -> Json:
        call = expect(dict, given, "an object", where)
        call_id, kind = call.get("id"), call.get("type") or "function"
        if not isinstance(call_id, str) or not call_id:
            raise InvalidRequest(f"{where}.id must be a non-empty string.", param=f"{where}.id")
        if kind not in ("function", "custom"):
            raise InvalidRequest(f"{where}.type must be function or custom.", param=f"{where}.type")
        place = f"{where}.{kind}"
        nested = expect(dict, call.get(kind), "an object with a name", place)
        name = expect(str, nested.get("name"), "a string", f"{place}.name")
        made: Json = {"type": "function_call", "call_id": call_id, "name": name}
        if kind == "custom":
            made |= {"type": "custom_tool_call", "input": expect(str, nested.get("input"), "a string", f"{place}.input")}
        else:
            made["arguments"] = _arguments(nested.get("arguments"))
        self._calls[call_id] = made["type"]
        return made

    def _function_call(self, given: Any, where: str) -> Json:
        """Legacy calls have no ids; a result says whose it is by the function's name."""
        call = expect(dict, given, "an object with a name", where)
        name = expect(str, call.get("name"), "a string", f"{where}.name")
        self._legacy += 1
        self._unanswered[name] = call_id = f"call_function_{self._legacy}"
        return {"type": "function_call", "call_id": call_id, "name": name, "arguments": _arguments(call.get("arguments"))}

    def _result(self, message: Json, where: str) -> list[Json]:
        call_id = expect(str, message.get("tool_call_id"), "the id of the call that this is the result of", f"{where}.tool_call_id")
        if call_id not in self._calls:
            what = f"{where}.tool_call_id is {call_id[:64]!r}, but no message before it has a call with this id."
            raise InvalidRequest(what, param=f"{where}.tool_call_id")
        return [_output(self._calls[call_id], call_id, message, where)]

    def _function_result(self, message: Json, where: str) -> list[Json]:
        name = expect(str, message.get("name"), "the name of the function", f"{where}.name")
        call_id = self._unanswered.pop(name, None)
        if call_id is None:
            what = f"{where}.name is {name[:64]!r}, but no message before it calls this function."
            raise InvalidRequest(what, param=f"{where}.name")
        return [_output("function_call", call_id, message, where)]


def _roles_of_several(messages: list[Json]) -> set[str]:
    """The roles in which several speak. Names are there to tell them apart, and the Responses API has no field for them.

    An assistant's are left out: it would take to beginning its answers with one.
    """
    names: dict[str, set[str]] = {}
    for message in messages:
        role, name = message.get("role"), message.get("name")
        if isinstance(role, str) and role in _NAMED_ROLES and isinstance(name, str):
            names.setdefault(role, set()).add(name)
    return {role for role, found in names.items() if len(found) > 1}


def _spoken_by(name: str, content: str | list[Json]) -> str | list[Json]:
    if isinstance(content, str):
        return f"{name}: {content}"
    return [{"type": "input_text", "text": f"{name}:"}, *content]


def _answer(message: Json, where: str) -> list[Json]:
    """What an assistant's message says besides its calls; nothing when it says nothing."""
    content, refusal = message.get("content"), message.get("refusal")
    made = content_of(content, "assistant", f"{where}.content") if content is not None else ""
    if refusal:
        said = made if isinstance(made, list) else [{"type": "output_text", "text": made}] if made else []
        made = [*said, {"type": "refusal", "refusal": expect(str, refusal, "a string", f"{where}.refusal")}]
    if not made and message.get("audio") is not None:
        raise InvalidRequest(f"{where}.audio names an answer that is not kept here; send what it says as content.", param=f"{where}.audio")
    return [{"type": "message", "role": "assistant", "content": made}] if made else []


def _output(call: str, call_id: str, message: Json, where: str) -> Json:
    """A result. A null is that of a function which returns nothing."""
    content = message.get("content")
    output = "" if content is None else content_of(content, "tool", f"{where}.content")
    return {"type": f"{call}_output", "call_id": call_id, "output": output}


def _arguments(arguments: Any) -> str:
    """JSON text; some clients keep what they parsed."""
    if isinstance(arguments, str):
        return arguments
    return "{}" if arguments is None else msgspec.json.encode(arguments).decode()
