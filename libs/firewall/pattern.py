"""A rule's pattern as an RE2 regex. RE2 runs in linear time and has no look-around or back-references."""

import re2

from libs.contracts.errors import ValidationFailed
from libs.contracts.policies import FirewallType

MAX_PATTERN = 1000
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 << 20

# What RE2 says, and a way around it.
_REMEDIES = {
    "(?=": "lookahead '(?=' is not supported; write the rule without it or use two rules",
    "(?!": "negative lookahead '(?!' is not supported; write the rule without it or use two rules",
    "(?<=": "lookbehind '(?<=' is not supported; match the text before it too",
    "(?<!": "negative lookbehind '(?<!' is not supported; write the rule without it",
    "(?>": "an atomic group '(?>' is not supported and not needed: matching is linear anyway",
}


def options() -> re2.Options:
    """How every rule is compiled."""
    return _OPTIONS


def to_re2(kind: FirewallType, pattern: str) -> str:
    """The regex for a rule's pattern.

    A substring and a bare regex ignore case; a delimited one (`/…/flags`) has only the flags it names.
    """
    if kind == "substring":
        return f"(?i){re2.escape(pattern)}"
    body, flags = _undelimited(pattern)
    return f"(?{flags}){body}" if flags else body


def check(kind: FirewallType, pattern: str) -> None:
    """Raises ValidationFailed, naming the construct and a way around it, when the pattern cannot be a rule."""
    if not pattern:
        raise _invalid("pattern must not be empty")
    if len(pattern) > MAX_PATTERN:
        raise _invalid(f"pattern is longer than {MAX_PATTERN} characters")
    try:
        compiled = re2.compile(to_re2(kind, pattern), _OPTIONS)
    except re2.error as error:
        raise _invalid(_explain(pattern, error)) from None
    if compiled.search(""):
        raise _invalid("pattern matches the empty text, so it would hit everything")


def _undelimited(pattern: str) -> tuple[str, str]:
    if len(pattern) > 1 and pattern.startswith("/"):
        body, _, flags = pattern[1:].rpartition("/")
        if body and not flags.strip("imsu"):
            return body, "".join(sorted(set(flags) & set("ims")))
    return pattern, "i"


def _explain(pattern: str, error: re2.error) -> str:
    for construct, remedy in _REMEDIES.items():
        if construct in pattern:
            return f"{remedy} (at position {pattern.index(construct)})"
    reason = error.args[0] if error.args else "unknown reason"
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    if text.startswith("invalid escape sequence: \\") and text[-1].isdigit():
        return f"a back-reference '{text[-2:]}' is not supported by RE2; write the repeated part out"
    return f"not a valid RE2 pattern: {text}"


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed(message, code="invalid_rule_pattern", param="pattern")
