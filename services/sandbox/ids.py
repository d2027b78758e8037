"""Ids in the providers' forms."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def hexadecimal(prefix: str) -> str:
    """As OpenAI's: `resp_68…`."""
    return f"{prefix}_{secrets.token_hex(24)}"


def letters(prefix: str, length: int = 22) -> str:
    """As Anthropic's: `msg_01…`; and call ids, with `length` letters and digits after the prefix."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
