"""Checks and reads the generation config of a Gemini request."""

import re
from typing import Any

from services.sandbox.asked import Problem
from services.sandbox.gemini import schema as schemas


def check(settings: dict[str, Any], model: str, request: dict[str, Any]) -> None:
    """Raises Problem for settings that Gemini refuses."""
    at = "* GenerateContentRequest.generation_config"
    if len(settings.get("stopSequences") or []) > 5:
        raise Problem(400, f"{at}.stop_sequences: at most 5 stop sequences are supported\n")
    if not 0 <= settings.get("temperature", 1) <= 2:
        raise Problem(400, f"{at}.temperature: must be in the range [0.0, 2.0].\n")
    if settings.get("maxOutputTokens", 1) < 1:
        raise Problem(400, f"{at}.max_output_tokens: must be positive.\n")
    found = list(schemas.faults(settings.get("responseSchema") or {}, f"{at}.response_schema"))
    if found:
        raise Problem(400, "".join(f"{line}\n" for line in found))
    _check_output(settings, model, request)
    _check_thinking(settings.get("thinkingConfig") or {}, model)


def schema(settings: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON schema of the answer; {} where any JSON will do."""
    if settings.get("responseMimeType") != "application/json":
        return None
    return settings.get("responseJsonSchema") or schemas.json_schema(settings.get("responseSchema") or {})


def thinks(settings: dict[str, Any]) -> bool:
    """Only when asked to, as elsewhere in the sandbox."""
    wanted = settings.get("thinkingConfig") or {}
    return bool(wanted.get("includeThoughts") or wanted.get("thinkingBudget") or wanted.get("thinkingLevel", "MINIMAL") != "MINIMAL")


def shows_thoughts(settings: dict[str, Any]) -> bool:
    return bool((settings.get("thinkingConfig") or {}).get("includeThoughts"))


def _check_output(settings: dict[str, Any], model: str, request: dict[str, Any]) -> None:
    wanted = [name for name in ("responseSchema", "responseJsonSchema") if settings.get(name)]
    mime = settings.get("responseMimeType")
    if len(wanted) > 1:
        raise Problem(400, "Only one of response_schema and response_json_schema can be set.")
    if wanted and mime not in ("application/json", "text/x.enum"):
        raise Problem(400, f"A response schema needs the response mime type 'application/json', not '{mime or 'text/plain'}'.")
    if mime != "application/json":
        return
    mode = ((request.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode", "AUTO")
    if _functions(request) and mode == "ANY":
        raise Problem(400, "Forced function calling (ANY mode) with a response mime type: 'application/json' is unsupported")
    if _functions(request) and re.match(r"gemini-[12]", model):
        raise Problem(400, "Function calling with a response mime type: 'application/json' is unsupported")


def _check_thinking(wanted: dict[str, Any], model: str) -> None:
    if "thinkingBudget" in wanted and "thinkingLevel" in wanted:
        raise Problem(400, "You can only set only one of thinking budget and thinking level.")
    if "thinkingLevel" in wanted and re.match(r"gemini-[12]", model):
        raise Problem(400, "Thinking level is not supported for this model.")
    if wanted.get("thinkingLevel") == "MINIMAL" and "pro" in model:
        raise Problem(400, "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level.")
    if wanted.get("thinkingBudget") == 0 and model.startswith("gemini-2.5-pro"):
        raise Problem(400, "Budget 0 is invalid. This model only works in thinking mode.")


def _functions(request: dict[str, Any]) -> bool:
    return any(tool.get("functionDeclarations") for tool in request.get("tools") or [])
