"""Ids of tool calls in the alphabets that the servers take."""

import re
from base64 import b32encode
from hashlib import sha256
from typing import Literal

# OpenAI: "string too long. Expected a string with maximum length 40".
_ANY = re.compile(r"[\x21-\x7e]{1,40}\Z")
# Mistral: "must be a-z, A-Z, 0-9, with a length of 9".
_NINE = re.compile(r"[A-Za-z0-9]{9}\Z")


class CallIds:
    """Gives each call of a conversation an id that fits and that no other call has; the same conversation gets the same ids."""

    def __init__(self, alphabet: Literal["any", "nine"]) -> None:
        self._nine = alphabet == "nine"
        self._used: set[str] = set()

    def assign(self, call_id: str) -> str:
        """The id itself when it fits and is free. Clients that number their calls anew in each turn use one twice."""
        fits = (_NINE if self._nine else _ANY).match(call_id)
        made, count = call_id if fits else self._digest(call_id), 1
        while made in self._used:
            count += 1
            made = self._digest(f"{call_id} {count}")
        self._used.add(made)
        return made

    def _digest(self, text: str) -> str:
        digest = b32encode(sha256(text.encode("utf-8", "surrogatepass")).digest()).decode()
        return digest[:9] if self._nine else f"call_{digest[:32]}"
