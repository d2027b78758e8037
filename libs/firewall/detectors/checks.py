"""Is it really one: check digits, randomness, placeholders. All are functions of the text alone."""

import math
import re
from collections import Counter
from itertools import pairwise

# Who writes one of these means "put yours here". Long enough that random text hardly ever holds them.
_PLACEHOLDERS = re.compile(
    r"example|sample|placeholder|your[-_ ]?|change[-_]?(?:me|it|this)|insert[-_ ]|replace[-_ ]?(?:me|with|this)|dummy|redacted|foobar"
    r"|todo\b"
    r"|[-_](?:here|goes)\b|not[-_]?a?[-_]?real|fake[-_]|lorem|x{6,}|\*{4,}|\.{3}|\$\{|\{\{|\}\}|%\(|\$\(|^[<\[{%].*[>\]}%]$|^[<`]|^\$"
    r"[a-z_]|^%\w+%|^@\w+$",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[{]")
_DOTTED = re.compile(r"\$?[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+")
_WORDS = re.compile(r"[A-Za-z]?[a-z]*\d*(?:[-_./: ][A-Za-z]?[a-z]*\d*)*")
_SHOUTED = re.compile(r"[A-Z]+[0-9]{0,2}(?:[_.-][A-Z0-9]{1,12})*")
_CAMEL = re.compile(r"[a-z]*(?:[A-Z]{1,5}(?=[a-z]*[aeiouy])[a-z]{2,}\d*){2,}(?:[A-Z]\d*)?")
_PLACE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//|~?/\w|\.{1,2}/|[A-Za-z]:\\|\S+@\S+\.[a-z]{2,}$", re.IGNORECASE)
_TECHNICAL = re.compile(
    r"(?:my|new|old|the)?(?:pass|password|passwd|pwd|token|secret|key|user|name|field|value|string|arg|param|var|input|text|type|column"
    r"|config|item|row|index|step|line|page|version"
    r"|base|sha|keccak|blake|utf|ascii|oauth|tls|ssl|ipv|aes|rsa|hmac|argon|pbkdf|scrypt|bcrypt|chacha|ed|curve|python|sql|win|unix|rfc"
    r"|iso|int|uint|float|cp|latin|windows|option|chapter)"
    r"\d{1,5}[a-z]{0,3}",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z]{2,12}(?::\d+)?(?:/.*)?")
_NUMERIC = re.compile(r"[\d.,:/+\-TZ ]*")
# What has its own name for being public: publishable keys, public keys, digests, identifiers of requests and runs.
_PUBLIC = re.compile(
    r"(?:pk|pub|public|publishable|sb_publishable|phc|pubkey|ssh|ecdsa|sha(?:1|256|384|512)?|md5|urn|arn|data|req|resp|call|msg|run"
    r"|thread|asst|file|chatcmpl|toolu"
    r"|evt|cus|ch|pi|price|prod|acct|sub|item|batch|vs|step|conv|trace|span)[-_:.]",
    re.IGNORECASE,
)
_JUDGED = 256
"""Characters of a value that are looked at: a long token shows what it is in its beginning."""


def luhn(text: str) -> bool:
    """The check digit of cards and others, over the digits of `text`."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def entropy(text: str) -> float:
    """Bits a character, by how often each occurs in `text`."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values()) if size else 0.0


def classes(text: str) -> int:
    """How many of lower case, upper case, digits and symbols `text` has."""
    kinds = (str.islower, str.isupper, str.isdigit)
    return sum(any(map(kind, text)) for kind in kinds) + any(not char.isalnum() and char not in "-_./:" for char in text)


def placeholder(value: str) -> bool:
    """Says "yours goes here", repeats one character or group, or counts up."""
    if _PLACEHOLDERS.search(value):
        return True
    body = [char for char in value.lower() if char.isalnum()]
    if not body:
        return True
    if len(body) >= 8 and max(Counter(body).values()) > len(body) / 2:
        return True
    parts = re.split(r"[-_.]", value)
    if len(parts) > 2 and max(Counter(part for part in parts if len(part) > 2).values(), default=0) > 2:
        return True
    rising = sum(ord(after) - ord(before) == 1 for before, after in pairwise(body))
    return len(body) >= 6 and rising > 0.4 * len(body)


def genuine(_: str, value: str) -> bool:
    """A value whose format has been recognised already: only placeholders are left to be refused."""
    return not placeholder(value[:_JUDGED])


def uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def hexadecimal(value: str) -> bool:
    return _HEX.fullmatch(value) is not None


def written(value: str) -> bool:
    """Not drawn at random: a word, an identifier, an expression, a path, an address, a number, a public value."""
    return any(shape.match(value) for shape in (_CALL, _PLACE, _PUBLIC)) or any(
        shape.fullmatch(value) for shape in (_DOTTED, _CAMEL, _WORDS, _SHOUTED, _HOST, _NUMERIC)
    )


def random_token(value: str, least: int = 16) -> bool:
    """A key or token with no format of its own: at least `least` characters, and mixed as only chance mixes them."""
    value = value[:_JUDGED]
    body = value.rstrip("=")
    if len(body) < least or placeholder(value) or written(value):
        return False
    if uuid(value):
        return True
    letters, digits = sum(map(str.isalpha, body)), sum(map(str.isdigit, body))
    if hexadecimal(body):
        return len(body) >= max(least, 20) and letters > 2 and digits > 2 and entropy(body) > 2.8
    if letters < 3 or digits < (1 if any(map(str.isupper, body)) else 3):
        return False
    return entropy(body) >= min(3.6, math.log2(len(body)) - 1)


def password(value: str, least: int = 6) -> bool:
    """What somebody would log in with: not a word, an identifier or an expression."""
    value = value[:_JUDGED]
    if len(value) < least or placeholder(value) or uuid(value):
        return False
    if value.isalnum() and not value.isdigit() and not value.isalpha():
        return _TECHNICAL.fullmatch(value) is None and _CAMEL.fullmatch(value) is None
    return not written(value) and (any(map(str.isdigit, value)) or classes(value) > 2 or _scrambled(value))


def _scrambled(value: str) -> bool:
    """Letters whose case changes as chance would have it, more often than at the words of an identifier."""
    turns = sum(before.isupper() != after.isupper() for before, after in pairwise(value))
    return len(value) > 9 and value.isalpha() and turns > 4 and 0.3 < sum(map(str.isupper, value)) / len(value) < 0.7
