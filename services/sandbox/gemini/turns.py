"""Checks the turns of a Gemini conversation, and finds what the last one says.

https://ai.google.dev/gemini-api/docs/function-calling
"""

from itertools import pairwise
from typing import Any

from services.sandbox.asked import Problem
from services.sandbox.gemini import signature

_DATA = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
)  # fmt: skip
Turn = dict[str, Any]


def check(turns: list[Turn], model: str) -> None:
    """Raises Problem for turns that Gemini refuses."""
    if not turns:
        raise Problem(400, "* GenerateContentRequest.contents: contents is not specified\n")
    for index, turn in enumerate(turns):
        _check_turn(index, turn)
    for before, after in pairwise([None, *turns, None]):
        _check_neighbours(before, after)
    if signature.required(model):
        _check_signatures(turns)


def last_turn(turns: list[Turn]) -> tuple[str, list[str], int]:
    """The last user text, the function responses since, the images beside it."""
    text, results, images = "", list[str](), 0
    for turn in turns:
        if turn.get("role") == "model":
            continue
        said = "\n".join(part["text"] for part in turn["parts"] if part.get("text"))
        returned = [_result(part["functionResponse"]) for part in turn["parts"] if "functionResponse" in part]
        text, results = (said, returned) if said else (text, results + returned)
        images = sum(_media(part).startswith("image/") for part in turn["parts"])
    return text, results, images


def _check_turn(index: int, turn: Turn) -> None:
    if turn.get("role", "user") not in ("user", "model", "function"):
        raise Problem(400, "Please use a valid role: user, model.")
    at = f"* GenerateContentRequest.contents[{index}].parts"
    if not turn.get("parts"):
        raise Problem(400, f"{at}: contents.parts must not be empty.\n")
    for number, part in enumerate(turn["parts"]):
        if sum(name in part for name in _DATA) != 1:
            raise Problem(400, f"{at}[{number}].data: required oneof field 'data' must have one initialized field\n")


def _check_neighbours(before: Turn | None, turn: Turn | None) -> None:
    calls, responses = _count(before, "functionCall"), _count(turn, "functionResponse")
    if _count(turn, "functionCall") and (before is None or before.get("role") == "model"):
        raise Problem(400, "Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
    if responses and not calls:
        raise Problem(400, "Please ensure that function response turn comes immediately after a function call turn.")
    if calls != responses:
        raise Problem(
            400, "Please ensure that the number of function response parts is equal to the number of function call parts of the "
            "function call turn.",
        )  # fmt: skip


def _check_signatures(turns: list[Turn]) -> None:
    """Of the current turn, from the last user text on: the first call of each step has one, and each one given is genuine."""
    asked = [index for index, turn in enumerate(turns) if turn.get("role") != "model" and not _count(turn, "functionResponse")]
    begins = max(asked, default=0)
    for index, turn in enumerate(turns):
        first = index > begins
        for part in turn["parts"]:
            call, given = part.get("functionCall"), part.get("thoughtSignature")
            if call is None:
                continue
            if given is None and first:
                raise Problem(400, _missing(call.get("name"), index + 1))
            if given is not None and not signature.genuine(given, call.get("name", ""), call.get("args") or {}):
                raise Problem(400, "Corrupted thought signature.")
            first = False


def _missing(name: str | None, position: int) -> str:
    return (
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing "
        "thought_signature may lead to degraded model performance. Additional data, function call "
        f"`default_api:{name}` , position {position}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more "
        "details."
    )


def _count(turn: Turn | None, kind: str) -> int:
    return sum(kind in part for part in turn["parts"]) if turn else 0


def _result(response: dict[str, Any]) -> str:
    """The first text among what a function returned, or all of it."""
    returned = response.get("response") or {}
    return next((value for value in returned.values() if isinstance(value, str)), str(returned))


def _media(part: dict[str, Any]) -> str:
    return str((part.get("inlineData") or part.get("fileData") or {}).get("mimeType", ""))
