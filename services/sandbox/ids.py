"""Ids in the providers' forms."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def hexadecimal(prefix: str) -> str:
    """As OpenAI's: `resp_68…`."""
    return f"{prefix}_{secrets.token_hex(24)}"


def letters(prefix: str) -> str:
    """As Anthropic's: `msg_01…`; and OpenAI's call ids."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(22))
