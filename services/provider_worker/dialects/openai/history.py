"""The conversation as OpenAI takes it back: its own sealed state opened, and nothing in it that another provider wrote for itself."""

from hashlib import sha256
from typing import Any

from libs.responses.builder import is_fresh_id
from libs.vault.envelopes import is_envelope
from services.provider_worker.dialect import Call, ProviderFailure
from services.provider_worker.dialects.openai.client_view import ORIGIN
from services.provider_worker.dialects.tool_names import safe_name

Json = dict[str, Any]

# An id that does not begin like this is a 400: "Expected an ID that begins with 'msg'."
_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
# Items that OpenAI takes with an id only. Nobody looks it up, but an approval names its request by it.
# https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
_ID_NEEDED = frozenset({
    "file_search_call", "code_interpreter_call", "image_generation_call", "computer_call", "mcp_call", "mcp_list_tools",
    "mcp_approval_request", "local_shell_call", "local_shell_call_output",
})
_LONGEST_ID = 64
_CALLS = frozenset({"function_call", "custom_tool_call"})
_RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})


class History:
    """Reads canonical input items; what it changes or leaves out is said in `adapted`."""

    def __init__(self, call: Call, adapted: list[str]) -> None:
        self._envelopes, self._adapted = call.envelopes, adapted
        self._dropped = self._ids = self._errors = self._long = 0
        self._orphaned = False
        """The reasoning that the items here came from was left out."""

    def read(self, items: list[Any]) -> list[Any]:
        """The items to send. Raises ProviderFailure for a reference to what only this router ever knew."""
        kept = [made for index, item in enumerate(items) if (made := self._item(item, f"input[{index}]")) is not None]
        self._note()
        return kept

    def _item(self, item: Json, where: str) -> Json | None:
        kind = item.get("type")
        if kind == "item_reference":
            return _reference(item, where)
        if kind in ("reasoning", "compaction"):
            return self._state(item, where)
        if kind in _RESULTS or item.get("role", "assistant") != "assistant":
            self._orphaned = False
        return self._known_id(self._tool_item(item, kind) if kind in _CALLS or kind in _RESULTS else item)

    def _state(self, item: Json, where: str) -> Json | None:
        """Reasoning that is not OpenAI's can be left out; a whole conversation that is not cannot."""
        opened = self._opened(item)
        self._orphaned = opened is None
        if opened is not None:
            return self._known_id(opened)
        if item["type"] == "compaction":
            what = "OpenAI cannot read a compacted conversation of another provider or account"
            raise ProviderFailure(what, code="invalid_request", param=where)
        self._dropped += 1
        return None

    def _opened(self, item: Json) -> Json | None:
        """With OpenAI's own state, which is good for the organisation that it was written for; None when it is another's."""
        state = item.get("encrypted_content")
        if is_envelope(state):
            content = self._envelopes.open(state, ORIGIN, same_account=True)
            return None if content is None else item | {"encrypted_content": content.decode()}
        # Without state OpenAI looks the id up, and would not find one that it has not given.
        return item if state or (item.get("id") and not is_fresh_id(item["id"])) else None

    def _tool_item(self, item: Json, kind: str) -> Json:
        call_id = item.get("call_id")
        if isinstance(call_id, str) and len(call_id) > _LONGEST_ID:
            self._long += 1
            item = item | {"call_id": f"call_{sha256(call_id.encode()).hexdigest()[:32]}"}
        if kind in _CALLS and isinstance(item.get("name"), str):
            name = safe_name(item["name"])
            return item if name == item["name"] else item | {"name": name}
        if "is_error" in item:
            self._errors += item["is_error"] is True
            item = {name: value for name, value in item.items() if name != "is_error"}
        return item

    def _known_id(self, item: Json) -> Json:
        """Without an id that OpenAI cannot know, or that it would hold against missing reasoning:
        "Item 'fc_…' was provided without its required 'reasoning' item". Ours has to go from reasoning above all, whose state names
        the id it was written under: "Encrypted content item_id did not match the target item id"; without any it is taken, as Codex
        sends it (https://github.com/openai/codex/blob/main/codex-rs/protocol/src/models.rs)."""
        item_id, kind = item.get("id"), item.get("type") or "message"
        if is_fresh_id(item_id):
            return item if kind in _ID_NEEDED else _without_id(item)
        prefix = _PREFIXES.get(kind)
        if item_id is None or prefix is None:
            return item
        known = isinstance(item_id, str) and item_id.startswith(prefix) and len(item_id) <= _LONGEST_ID
        if known and not self._orphaned:
            return item
        self._ids += 1
        return _without_id(item)

    def _note(self) -> None:
        for count, what in (
            (self._dropped, "reasoning items of another provider or account were left out"),
            (self._ids, "item ids were left out: they are neither ours nor OpenAI's, or their reasoning is not here"),
            (self._errors, "results lost their mark as errors: OpenAI has none"),
            (self._long, f"call ids were shortened: OpenAI takes {_LONGEST_ID} characters"),
        ):
            if count:
                self._adapted.append(f"{count} {what}")


def _without_id(item: Json) -> Json:
    return {name: value for name, value in item.items() if name != "id"}


def _reference(item: Json, where: str) -> Json:
    item_id = item.get("id")
    if is_fresh_id(item_id):
        raise ProviderFailure(
            f"{where} refers to {item_id!r}, an item that is not stored; send the item itself", code="invalid_request", fallback=False,
            param=f"{where}.id",
        )
    return item
