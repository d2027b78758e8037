"""Output items as Anthropic's content blocks.

https://platform.claude.com/docs/en/api/messages
"""

from typing import Any

import msgspec

from services.edge.formats.messages_thinking import thinking_of

Json = dict[str, Any]

CALLS = frozenset({"function_call", "custom_tool_call"})
_SERVER_ID = "srvtoolu_"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def blocks_of(item: Json) -> list[Json]:
    """The item's blocks; [] for what the Messages API has no block for, such as a list of tools of an MCP server."""
    match item.get("type"):
        case "message":
            return [block for part in item.get("content") or () if (block := text_of(part)) is not None]
        case "reasoning":
            block = thinking_of(item)
            return [] if block is None else [block]
        case "function_call" | "custom_tool_call":
            return [call_of(item) | {"input": _input(arguments_of(item))}]
        case "web_search_call":
            return _web_search(item)
        case "code_interpreter_call":
            return _code_execution(item)
    return []


def text_of(part: Json) -> Json | None:
    """The block of a message's text or refusal; None for an empty one, which Anthropic would refuse to take back."""
    text = part.get("text") or part.get("refusal") or ""
    citations = [citation for note in part.get("annotations") or () if (citation := citation_of(note)) is not None]
    return {"type": "text", "text": text, "citations": citations or None} if text or citations else None


def citation_of(annotation: Json) -> Json | None:
    """The citation of a web page, the only kind that other providers make. What the page says there is not known."""
    url = annotation.get("url")
    if annotation.get("type") != "url_citation" or not isinstance(url, str):
        return None
    title = annotation.get("title") or None
    return {"type": "web_search_result_location", "url": url, "title": title, "cited_text": "", "encrypted_index": ""}


def call_of(item: Json) -> Json:
    """The block of a call that has just begun."""
    return {"type": "tool_use", "id": item.get("call_id") or item.get("id") or "", "name": item.get("name") or "", "input": {}}


def arguments_of(item: Json) -> str:
    """A call's input as JSON text."""
    if item.get("type") == "custom_tool_call":
        return _encode({"input": item.get("input") or ""}).decode()
    return item.get("arguments") or ""


def _input(arguments: str) -> Json:
    """The arguments as an object. Those that are none, as of a call that was cut off, go under a name that Anthropic uses for them:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming"""
    if not arguments.strip():
        return {}
    try:
        value = _decode(arguments)
    except (msgspec.MsgspecError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"INVALID_JSON": arguments}


def _web_search(item: Json) -> list[Json]:
    """A search and the addresses that it found; a page that was opened later is no search."""
    action = item.get("action") or {}
    if action.get("type") != "search":
        return []
    query = action.get("query") or ", ".join(action.get("queries") or ())
    found: Any = [_page(source["url"]) for source in action.get("sources") or () if isinstance(source.get("url"), str)]
    if item.get("status") == "failed":
        found = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    return _served(item, "web_search", {"query": query}, {"type": "web_search_tool_result", "content": found})


def _page(url: str) -> Json:
    return {"type": "web_search_result", "url": url, "title": url, "encrypted_content": "", "page_age": None}


def _code_execution(item: Json) -> list[Json]:
    """Code and what it printed."""
    printed = "".join(output.get("logs") or "" for output in item.get("outputs") or ())
    failed = item.get("status") == "failed"
    result: Json = {"type": "code_execution_result", "stdout": printed, "stderr": "", "return_code": 1 if failed else 0, "content": []}
    return _served(item, "code_execution", {"code": item.get("code") or ""}, {"type": "code_execution_tool_result", "content": result})


def _served(item: Json, name: str, given: Json, result: Json) -> list[Json]:
    """A call that the provider answered itself, and its answer."""
    use_id = _SERVER_ID + (item.get("id") or "")
    use = {"type": "server_tool_use", "id": use_id, "name": name, "input": given}
    return [use, {"type": result["type"], "tool_use_id": use_id} | result]
