"""Call ids in Anthropic's alphabet."""

import re
from base64 import urlsafe_b64encode

# https://platform.claude.com/docs/en/api/messages: ids are [A-Za-z0-9_-]+.
_ID = re.compile(r"(?!tr_)[A-Za-z0-9_-]+\Z")


def safe_id(call_id: str) -> str:
    """The id itself when Anthropic takes it, otherwise `tr_` and its base64: never the same for two ids."""
    if _ID.match(call_id):
        return call_id
    return "tr_" + urlsafe_b64encode(call_id.encode()).decode().rstrip("=")
