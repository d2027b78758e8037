"""Checks what both kinds of rules have in common; every complaint names the field (422)."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from libs.contracts.errors import ValidationFailed

Fields = dict[str, Any]
COMMON = ("name", "is_enabled", "priority")


def present(given: Fields, required: tuple[str, ...], optional: tuple[str, ...], *, partial: bool) -> Fields:
    """The known fields that are there. Those that are required may not be null, nor left out unless `partial`. Raises ValidationFailed."""
    if not partial:
        for name in required:
            if given.get(name) is None:
                raise wrong(name, "is required")
    fields = {name: given[name] for name in (*required, *optional) if name in given}
    for name in required:
        if name in fields and fields[name] is None:
            raise wrong(name, "must not be null")
    return fields


def check_common(fields: Fields) -> None:
    """Name, priority and whether it is enabled. Raises ValidationFailed."""
    name = fields.get("name")
    if name is not None and (not isinstance(name, str) or not 1 <= len(name) <= 128):
        raise wrong("name", "must be a string of 1 to 128 characters")
    if "is_enabled" in fields and not isinstance(fields["is_enabled"], bool):
        raise wrong("is_enabled", "must be true or false")
    priority = fields.get("priority")
    if priority is not None and (type(priority) is not int or not -1000 <= priority <= 1000):
        raise wrong("priority", "must be an integer from -1000 to 1000")


def object_of(value: Any, field: str) -> Fields:
    """An object, given as one or as JSON text; PHP clients send an empty one as `[]`. Raises ValidationFailed."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            raise wrong(field, "is not valid JSON") from None
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise wrong(field, "must be an object, or an object as JSON text")
    return value


def drafted(given: Fields, number: int) -> tuple[Fields, Fields]:
    """A rule that exists only for a preview: what the client wrote, with a name, a priority and `is_enabled` where it wrote none; and what
    the router sets, `number` being its id."""
    missing = {"name": f"draft {number}", "is_enabled": True, "priority": 0}
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return missing | given, {"id": number, "user_id": 1, "created_at": now, "updated_at": now}


def wrong(field: str, complaint: str) -> ValidationFailed:
    """The error that names the field."""
    return ValidationFailed(f"{field} {complaint}", param=field)
