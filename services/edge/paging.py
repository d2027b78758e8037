"""Lists of items as OpenAI pages them: by item ids, newest first unless asked otherwise."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from libs.contracts.errors import InvalidRequest

Json = dict[str, Any]
LIMIT, MOST = 20, 100
# openai-python, types/responses/response_item.py: these items have no status, or need none.
_WITHOUT_STATUS = frozenset({
    "reasoning", "compaction", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "program", "additional_tools",
})


class Page(Struct, frozen=True, kw_only=True):
    """Which part of a list is wanted."""

    limit: int = LIMIT
    newest_first: bool = True
    after: str | None = None
    before: str | None = None


def page(query: Mapping[str, str]) -> Page:
    """The page that a query string asks for. Raises InvalidRequest."""
    limit, order = query.get("limit") or str(LIMIT), query.get("order") or "desc"
    if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MOST)) and 1 <= int(limit) <= MOST):
        raise InvalidRequest(f"limit must be a number from 1 to {MOST}", param="limit")
    if order not in ("asc", "desc"):
        raise InvalidRequest("order must be asc or desc", param="order")
    return Page(limit=int(limit), newest_first=order == "desc", after=query.get("after") or None, before=query.get("before") or None)


def paged(items: list[Json], wanted: Page) -> Json:
    """The part of `items`, which are oldest first, as a list object. Raises InvalidRequest when a cursor names none of them."""
    shown = items[::-1] if wanted.newest_first else items
    if wanted.after is not None:
        shown = shown[_place(shown, wanted.after, "after") + 1 :]
    if wanted.before is not None:
        shown = shown[: _place(shown, wanted.before, "before")]
        # The page that ends there, not the first one of what is left.
        return listed(shown[-wanted.limit :] if wanted.after is None else shown[: wanted.limit], has_more=len(shown) > wanted.limit)
    return listed(shown[: wanted.limit], has_more=len(shown) > wanted.limit)


def listed(items: list[Json], *, has_more: bool = False) -> Json:
    """A list object."""
    data = [shown_item(item) for item in items]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more}


def shown_item(item: Json) -> Json:
    """An item with every field that readers may rely on."""
    kind = item.get("type", "message")
    shown = {**item, "type": kind}
    if kind not in _WITHOUT_STATUS:
        shown["status"] = item.get("status") or "completed"
    if kind == "message":
        shown["content"] = _content(item.get("content"), assistant=item.get("role") == "assistant")
    elif kind == "reasoning":
        shown["summary"] = item.get("summary") or []
    elif kind in ("function_call_output", "custom_tool_call_output") and isinstance(item.get("output"), list):
        shown["output"] = [_part(part, assistant=False) for part in item["output"]]
    return shown


def _content(content: Any, *, assistant: bool) -> list[Any]:
    if isinstance(content, str):
        content = [{"type": "input_text", "text": content}]
    return [_part(part, assistant=assistant) for part in content or ()]


def _part(part: Any, *, assistant: bool) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_text", "output_text"):
        if not assistant:
            return part if kind == "input_text" else {"type": "input_text", "text": part["text"]}
        return part | {"type": "output_text", "annotations": part.get("annotations") or []}
    if kind == "input_image":
        return part | {"detail": part.get("detail") or "auto"}
    return part


def _place(items: list[Json], item_id: str, name: str) -> int:
    for index, item in enumerate(items):
        if item.get("id") == item_id:
            return index
    raise InvalidRequest(f"{name} names no item of this list", param=name)
