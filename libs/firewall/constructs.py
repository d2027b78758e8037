"""What other regex engines have and RE2 has not: its name, where it stands in a pattern, and a way around it."""

import re

_CLASS = r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"
_QUANTIFIER = r"(?:[*+?]|\{\d+(?:,\d*)?\})"
_NO_LOOKING = "write the rule without it or use two rules, or exempt matches by `exceptions`"
_NO_RECURSION = "write the nesting out to the depth that matters"

# In the order in which they are tried at a position: what they look like, what they are, what to do.
_CONSTRUCTS = [
    (re.compile(look, re.DOTALL), name, remedy)
    for look, name, remedy in (
        (r"\(\?=", "lookahead", "write the rule without it or use two rules"),
        (r"\(\?!", "negative lookahead", _NO_LOOKING),
        (r"\(\?<=", "lookbehind", "match the text before it too, or use `\\b`"),
        (r"\(\?<!", "negative lookbehind", _NO_LOOKING),
        (r"\(\?>", "an atomic group", "write '(?:': matching is linear anyway"),
        (r"\(\?\(", "a conditional", "write both cases out as alternatives, 'a|b'"),
        (r"\(\?(?:R|[+-]?\d+|&|P>)[^)]*\)?", "recursion", _NO_RECURSION),
        (r"\(\?P=\w*\)?", "a back-reference", "write the repeated part out"),
        (r"\(\?\|", "a branch reset", "write '(?:'"),
        (r"\(\?#", "an inline comment", "leave it out; the rule's name can say it"),
        (r"\(\?C\d*\)", "a callout", "leave it out"),
        (r"\(\?\^?[a-zA-Z]*(?:-[a-zA-Z]+)?[:)]", "a flag", "flags are i, m, s and U, as in '(?i)'"),
        (r"\(\?['<]\w*.?", "a group's name", "write '(?P<name>…)' with letters, digits and '_'"),
        (r"\(\*[A-Z_:]+[^)]*\)", "a verb", "leave it out"),
        (r"\\(?:[1-9]\d*|k[<{'][^>}']*[>}']?|g\{?-?\w+\}?|g)", "a back-reference", "write the repeated part out"),
        (r"\\Z", "the anchor", "write '\\z' for the end of the text"),
        (r"\\G", "the anchor", "every match begins where it can; leave it out"),
        (r"\\K", "the reset of a match's start", "the whole match counts; match less before it"),
        (r"\\R", "a line break of any kind", "write '(?:\\r\\n|\\n|\\r)'"),
        (r"\\[hH]", "horizontal space", "write '[ \\t]' or '[^ \\t]'"),
        (r"\\[uU]\w{0,8}", "a code point", "write '\\x{…}' with the code point in hexadecimal digits"),
        (r"\\c.?", "a control character", "write '\\x' with its two hexadecimal digits"),
        (r"\\e", "the escape character", "write '\\x1b'"),
        (r"\\[XN]", "the class", "write '.' for any character"),
    )
]
_POSSESSIVE = re.compile(rf"{_QUANTIFIER}\+")
_DOUBLE = re.compile(rf"{_QUANTIFIER}\??{_QUANTIFIER}")
_COUNTS = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_SKIPPED = re.compile(rf"\\Q.*?(?:\\E|\Z)|{_CLASS}|\\.|.", re.DOTALL)
_BACKSPACE = re.compile(r"(?<!\\)(?:\\\\)*(\\b)")
_FLAGS = re.compile(r"\(\?[imsU]*(?:-[imsU]+)?[:)]")
MOST_REPETITIONS = 1000


def unsupported(pattern: str, said: str) -> str:
    """The first construct of a pattern that RE2 has refused, in words; what RE2 `said` when it is something else that is wrong."""
    at = 0
    while at < len(pattern):
        told = _told(pattern, at)
        if told is not None:
            return told
        skipped = _SKIPPED.match(pattern, at)
        at = skipped.end() if skipped else at + 1
    if said.startswith("invalid repetition size"):
        return f"repetitions of repetitions come to more than {MOST_REPETITIONS:,}; lower their counts (RE2: {said})"
    return f"not a valid RE2 pattern: {said}"


def _told(pattern: str, at: int) -> str | None:
    if pattern[at] in "*+?{":
        return _repetition(pattern, at)
    if pattern[at] == "[":
        return _in_class(pattern, at)
    for look, name, remedy in _CONSTRUCTS:
        found = look.match(pattern, at)
        if found is not None and not _FLAGS.fullmatch(found[0]) and not re.fullmatch(r"\(\?<\w+>", found[0]):
            return _words(name, found[0], at, remedy)
    return None


def _repetition(pattern: str, at: int) -> str | None:
    counts = _COUNTS.match(pattern, at)
    if counts and max(int(counts[1]), int(counts[2] or 0)) > MOST_REPETITIONS:
        return _words("the repetition", counts[0], at, f"{MOST_REPETITIONS:,} is the most; write '+' or '{{{MOST_REPETITIONS}}}'")
    found = _POSSESSIVE.match(pattern, at)
    if found is not None:
        return _words("a possessive quantifier", found[0], at, f"write '{found[0][:-1]}': matching is linear anyway")
    found = _DOUBLE.match(pattern, at)
    if found is not None:
        return _words("a repetition of a repetition", found[0], at, "put the inner one into '(?:…)'")
    return None


def _in_class(pattern: str, at: int) -> str | None:
    found = re.compile(_CLASS, re.DOTALL).match(pattern, at)
    backspace = _BACKSPACE.search(found[0]) if found else None
    return _words("a backspace", "\\b", at + backspace.start(1), "write '\\x08'") if backspace else None


def _words(name: str, token: str, at: int, remedy: str) -> str:
    return f"{name} '{token}' (at position {at}) is not supported by RE2; {remedy}"
