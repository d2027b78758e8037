"""Tools that Anthropic's models know without a definition and that the client carries out, defined for all the others."""

from typing import Any

Json = dict[str, Any]

_STRING: Json = {"type": "string"}
_LINE: Json = {"type": "integer", "description": "Line number after which to insert; 0 is the beginning of the file."}
_RANGE: Json = {
    "type": "array", "items": {"type": "integer"}, "description": "For view: first and last line, counted from 1; -1 is the end of the file.",
}


def _parameters(properties: Json, *required: str) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


def _commands(*names: str) -> Json:
    return {"type": "string", "enum": list(names)}


def _editor(inserted: str, *more: str) -> Json:
    """`inserted`: what the version calls the text of `insert`: https://github.com/anthropics/anthropic-sdk-python/issues/1155"""
    properties = {
        "command": _commands("view", "create", "str_replace", "insert", *more), "path": _STRING, "file_text": _STRING,
        "old_str": _STRING, "new_str": _STRING, "insert_line": _LINE, inserted: _STRING, "view_range": _RANGE,
    }
    return _parameters(properties, "command", "path")


_BASH = _parameters({"command": _STRING, "restart": {"type": "boolean", "description": "Start a new shell instead of running a command."}})
_MEMORY = _parameters({
    "command": _commands("view", "create", "str_replace", "insert", "delete", "rename"), "path": _STRING, "file_text": _STRING,
    "old_str": _STRING, "new_str": _STRING, "insert_line": _LINE, "insert_text": _STRING, "view_range": _RANGE, "old_path": _STRING,
    "new_path": _STRING,
}, "command")
_EDITOR_TEXT = "Views files and directories, creates files, and edits them by replacing a text that occurs once or inserting lines."
_MEMORY_TEXT = "Keeps notes in files under /memories that outlast the conversation. Look there before you begin, and note what matters later."
# Beginning of the type → the tool's usual name, its description and its parameters; the first that fits.
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/{bash-tool,text-editor-tool,memory-tool}
_KNOWN: dict[str, tuple[str, str, Json]] = {
    "bash_": ("bash", "Runs a command in a shell that keeps its state between calls.", _BASH),
    "text_editor_20241022": ("str_replace_editor", _EDITOR_TEXT, _editor("new_str", "undo_edit")),
    "text_editor_20250124": ("str_replace_editor", _EDITOR_TEXT, _editor("new_str", "undo_edit")),
    "text_editor_": ("str_replace_based_edit_tool", _EDITOR_TEXT, _editor("insert_text")),
    "memory_": ("memory", _MEMORY_TEXT, _MEMORY),
}


def known_tool(kind: str, tool: Json) -> Json | None:
    """The function for a tool of this type; None when it is not known."""
    for beginning, (name, description, parameters) in _KNOWN.items():
        if kind.startswith(beginning):
            return {
                "type": "function", "name": str(tool.get("name") or name), "description": description, "parameters": parameters,
                "strict": False,
            }
    return None
