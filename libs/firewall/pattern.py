"""A rule's pattern as an RE2 regex, and what is wrong with it. RE2 runs in linear time and has no look-around or back-references."""

import re
from typing import Any

import re2

from libs.contracts.errors import ValidationFailed
from libs.contracts.policies import FirewallRule, FirewallType
from libs.firewall.constructs import unsupported
from libs.firewall.detectors import detectors
from libs.firewall.normal import normalised
from libs.firewall.width import width

MAX_PATTERN = 1000
MAX_PROGRAM = 20_000
"""RE2 instructions. `\\S{1,1000}` has 11,003; a character of text costs up to so many steps, 4 to 6 ns each."""
LONGEST_HELD = 1024
"""Characters that a stream holds back at most to recognise a match."""


def _options(*, captures: bool) -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    options.never_capture = not captures
    return options


PLAIN, CAPTURING = _options(captures=False), _options(captures=True)
"""How patterns are compiled: rules', whose groups mean nothing, and detectors', which have a group `value`."""

_DELIMITED = re.compile(r"/(.+)/([a-zA-Z]*)", re.DOTALL)
_CODE_POINT = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_HIDDEN_CLASS = re.compile(r"\\[pP](?:\{\^?)?[CM]")


def to_re2(kind: FirewallType, pattern: str) -> str:
    """The regex for a rule's pattern.

    A substring and a bare regex ignore case; a delimited one (`/…/flags`) has only the flags it names.
    """
    if kind == "substring":
        return f"(?i){re2.escape(pattern if taken_raw(kind, pattern) else normalised(pattern))}"
    body, flags = _undelimited(pattern)
    return f"(?{flags}){body}" if flags else body


def taken_raw(kind: FirewallType, pattern: str) -> bool:
    """Whether the pattern asks for characters that normalising takes away, so that it is held against the text as it came."""
    if kind == "substring":
        return not normalised(pattern)
    named = "".join(chr(min(int(long or short, 16), 0x10FFFF)) for long, short in _CODE_POINT.findall(pattern))
    return any(normalised(text) != text for text in (pattern, named)) or _HIDDEN_CLASS.search(pattern) is not None


def exception_to_re2(exception: str) -> str:
    """The regex for an exception, to be searched for in a match."""
    if _DELIMITED.fullmatch(exception):
        return to_re2("regex", exception)
    return rf"(?is)\A{'.*'.join(map(re2.escape, exception.split('*')))}\z"


def check(rule: FirewallRule) -> None:
    """Raises ValidationFailed, naming the construct and a way around it, when the pattern or an exception cannot be used."""
    if rule.type == "detector":
        try:
            detectors(rule.pattern)
        except ValueError as error:
            raise _invalid(str(error)) from None
    else:
        _check_pattern(rule.type, rule.pattern)
    for exception in rule.exceptions:
        _check_exception(exception)


def warnings(rule: FirewallRule) -> list[str]:
    """What somebody who saves the rule should know: where it does something else than it seems to."""
    if rule.type != "regex":
        return []
    source = to_re2("regex", rule.pattern)
    found = []
    if rule.scope == "response" and width(source).known > LONGEST_HELD:
        found.append(
            f"a match can need more than {LONGEST_HELD:,} characters before it is recognised; a stream may have released its beginning by then: "
            "bound the repetitions in its middle, such as {0,200}"
        )
    if not rule.pattern.isascii() and re.search(r"\\[bBwWdDsS]", rule.pattern):
        found.append(r"\b, \w, \d and \s know ASCII only; for letters of any script write \pL, for digits \pN")
    if (counted := re.search(r"\{,\d+\}", rule.pattern)) is not None:
        found.append(f"'{counted[0]}' stands for these very characters; for a repetition write '{{0{counted[0][1:]}'")
    return found


def _check_pattern(kind: FirewallType, pattern: str) -> None:
    if not pattern:
        raise _invalid("pattern must not be empty")
    if len(pattern) > MAX_PATTERN:
        raise _invalid(f"pattern is longer than {MAX_PATTERN} characters")
    if kind == "regex":
        _check_flags(pattern)
    compiled = _compiled(kind, pattern, "pattern")
    if compiled.programsize > MAX_PROGRAM:
        raise _invalid(f"pattern is too large ({compiled.programsize:,} instructions, at most {MAX_PROGRAM:,}): lower the counts of its repetitions")
    if kind == "regex" and r"\C" in pattern.replace(r"\\", ""):
        raise _invalid(rf"a single byte '\C' (at position {pattern.index(chr(92) + 'C')}) is not supported; write '.' for any character")
    if kind == "regex" and not width(to_re2(kind, pattern)).least and _may_be_empty(compiled):
        raise _invalid("pattern matches the empty text, so it would hit everything; let it need one character at least ('+' in place of '*')")


def _may_be_empty(compiled: Any) -> bool:
    samples = ("", "a", " ", "a a", "\n", "a\nb", "0", "-")
    return any(match.start() == match.end() for text in samples for match in compiled.finditer(text))


def _check_flags(pattern: str) -> None:
    delimited = _DELIMITED.fullmatch(pattern)
    strange = delimited and set(delimited[2]) <= set("imsugxUADXJn") and delimited[2].strip("imsugU")
    if strange:
        raise _invalid(
            f"the flag '{strange[0]}' (at position {pattern.rindex('/') + 1}) is not supported; flags are i, m, s and U. "
            "If the first slash belongs to the text, write '\\/' for it"
        )


def _check_exception(exception: str) -> None:
    if not exception.strip("*"):
        raise _invalid("an exception needs something besides '*', or no match would be left; to switch a rule off, set is_enabled", "exceptions")
    if len(exception) > MAX_PATTERN:
        raise _invalid(f"an exception is longer than {MAX_PATTERN} characters", "exceptions")
    if not _DELIMITED.fullmatch(exception):
        return
    if _compiled("regex", exception, "exceptions").search("") is not None:
        raise _invalid(f"the exception '{exception}' matches the empty text, so no match would be left", "exceptions")


def _compiled(kind: FirewallType, pattern: str, param: str) -> Any:
    if any("\ud800" <= char <= "\udfff" for char in pattern):
        raise _invalid("half of a surrogate pair is no character", param)
    try:
        return re2.compile(to_re2(kind, pattern), PLAIN)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown reason"
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise _invalid(unsupported(pattern, said), param) from None


def _undelimited(pattern: str) -> tuple[str, str]:
    delimited = _DELIMITED.fullmatch(pattern)
    # `g` and `u` change nothing here: all matches count, and text is Unicode.
    if delimited is not None and not delimited[2].strip("imsugU"):
        return delimited[1], "".join(sorted(set(delimited[2]) & set("imsU")))
    return pattern, "i"


def _invalid(message: str, param: str = "pattern") -> ValidationFailed:
    return ValidationFailed(message, code="invalid_rule_pattern", param=param)
