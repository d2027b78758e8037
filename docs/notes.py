"""What the source says under a field: the string that documents it."""

import ast
import inspect
import textwrap
from typing import Any

from msgspec import Struct


def notes(kind: type[Struct]) -> dict[str, str]:
    """Field name → the text under it, inherited ones included."""
    found: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        if issubclass(parent, Struct) and parent is not Struct:
            found |= _own(parent)
    return found


def _own(kind: type[Struct]) -> dict[str, str]:
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(declared, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(declared.body, declared.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name) or not isinstance(text, ast.Expr):
            continue
        if isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            found[field.target.id] = " ".join(text.value.value.split())
    return found


def annotate(schemas: dict[str, Any], kinds: list[type[Struct]]) -> None:
    """Put the notes of each type into its JSON Schema."""
    for kind in kinds:
        properties = schemas.get(kind.__name__, {}).get("properties", {})
        for name, text in notes(kind).items():
            if name in properties:
                properties[name] = {"description": text} | properties[name]
