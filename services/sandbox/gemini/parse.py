"""Reads JSON into Gemini's messages as Google's servers do: both spellings of names, and no name that a message does not have."""

import base64
import re
from typing import Any

from services.sandbox.asked import Problem
from services.sandbox.gemini.fields import ENUMS, MESSAGES

_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_SCALARS: dict[str, tuple[type, ...]] = {"string": (str,), "bool": (bool,), "int": (int, float), "float": (int, float)}
_SCALAR_TYPES = {"string": "TYPE_STRING", "bool": "TYPE_BOOL", "int": "TYPE_INT32", "float": "TYPE_FLOAT"}


def parse(body: dict[str, Any], kind: str = "GenerateContentRequest") -> dict[str, Any]:
    """The request with its names in camel case and without nulls. `kind`: of message. Raises Problem that lists all that is wrong."""
    parser = _Parser()
    request = parser.message(kind, body, "")
    if parser.violations:
        message = "\n".join(description for _, description in parser.violations)
        raise Problem(400, message, details=parser.violations)
    return request


def decoded(text: str) -> bytes:
    """What Base64 stands for, in either alphabet and with padding or without. Raises ValueError."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)


class _Parser:
    def __init__(self) -> None:
        self.violations: list[tuple[str, str]] = []
        """Field and description."""

    def message(self, kind: str, value: Any, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._invalid(at, _PACKAGE + kind, value)
            return {}
        fields, found = MESSAGES[kind], {}
        for name, given in value.items():
            known = _camel(name)
            if known not in fields:
                self._unknown(name, at, "Cannot find field.")
            elif given is not None:
                found[known] = self._field(fields[known], given, name, at)
        return found

    def _field(self, kind: str, value: Any, name: str, at: str) -> Any:
        here = f"{at}.{_snake(name)}" if at else _snake(name)
        if kind.startswith("[]"):
            # One element may stand for a list of one.
            elements = value if isinstance(value, list) else [value]
            return [self._value(kind[2:], element, f"{here}[{index}]") for index, element in enumerate(elements)]
        if kind.startswith("{}"):
            if not isinstance(value, dict):
                return self._invalid(here, _PACKAGE + kind[2:], value)
            return {key: self._value(kind[2:], part, f"{here}[{index}].value") for index, (key, part) in enumerate(value.items())}
        if isinstance(value, list) and kind != "any":
            return self._unknown(name, at, "Proto field is not repeating, cannot start list.")
        return self._value(kind, value, here)

    def _value(self, kind: str, value: Any, at: str) -> Any:
        if kind in MESSAGES:
            return self.message(kind, value, at)
        if kind in ENUMS:
            return self._enum(kind, value, at)
        if kind == "bytes":
            return self._bytes(value, at)
        if kind == "struct" and not isinstance(value, dict):
            return self._invalid(at, "type.googleapis.com/google.protobuf.Struct", value)
        if kind in _SCALARS and (not isinstance(value, _SCALARS[kind]) or (isinstance(value, bool) and kind != "bool")):
            return self._invalid(at, _SCALAR_TYPES[kind], value)
        return value

    def _enum(self, kind: str, value: Any, at: str) -> Any:
        if isinstance(value, str) and value.upper() in ENUMS[kind]:
            return value.upper()
        return self._invalid(at, _PACKAGE + kind, value)

    def _bytes(self, value: Any, at: str) -> Any:
        try:
            decoded(value)
        except (AttributeError, ValueError):
            self.violations.append((at, f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for {_quoted(value)}"))
        return value

    def _unknown(self, name: str, at: str, why: str) -> None:
        place = f" at '{at}'" if at else ""
        self.violations.append((at, f'Invalid JSON payload received. Unknown name "{name}"{place}: {why}'))

    def _invalid(self, at: str, kind: str, value: Any) -> None:
        self.violations.append((at, f"Invalid value at '{at}' ({kind}), {_quoted(value)}"))


def _quoted(value: Any) -> str:
    return f'"{value[:100]}"' if isinstance(value, str) else str(value)[:100]


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
