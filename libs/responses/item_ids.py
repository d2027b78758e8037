"""Ids of output items: each tells of its response, so that a later request can name an item by its id alone."""

import re

_OURS = re.compile(r"[a-z]{1,8}_tr([0-9a-f]{32})(?:[0-9a-f]{2,}|i[0-9a-f]+)\Z")


def item_id(prefix: str, response_id: str, n: int, attempt: int = 1) -> str:
    """The id of item `n` (from 0) that attempt `attempt` (from 1) at a response wrote; always the same for the same item.

    The prefix, `tr`, the response's 32 hexadecimal digits, those of `n`, and one for the attempt: an attempt that goes on behind
    another's items must not use their ids.
    """
    return f"{prefix}_tr{response_id.removeprefix('resp_')}{n:x}{(attempt - 1) % 16:x}"


def response_id_in(some_id: object) -> str | None:
    """The response that an item belongs to, by its id; None for an id that is not ours. Ids of input items, which have an `i` and the
    item's place in the input behind the digits of the response that they were sent for, tell of it too."""
    found = _OURS.match(some_id) if isinstance(some_id, str) else None
    return f"resp_{found[1]}" if found else None
