"""A text with the spans of its hits replaced."""

from msgspec import Struct

from libs.contracts.policies import FirewallRule
from libs.firewall.jsontext import Lexer, Token, parts, quoted
from libs.firewall.ruleset import Hit

DEFAULT_REPLACEMENT = "[redacted]"


class Edit(Struct):
    """Characters to be replaced by others."""

    start: int
    end: int
    text: str
    bare: bool = False
    """A whole value of JSON that has no quotes."""


def masked(text: str, hits: list[Hit]) -> str:
    """The text with every span of an enforced mask rule replaced. Overlapping spans merge; the strongest rule names the replacement."""
    return edited(text, edits(hits))


def masked_json(text: str, hits: list[Hit]) -> str:
    """The same, replacing only within strings and whole numbers and literals, so that what is valid JSON stays so."""
    masking = [hit for hit in hits if masks(hit.rule)]
    if not masking:
        return text
    lexer = Lexer()
    lexer.feed(text)
    lexer.finish()
    return edited(text, json_edits(masking, lexer.tokens))


def masks(rule: FirewallRule) -> bool:
    return rule.action == "mask" and not rule.observe


def edits(hits: list[Hit]) -> list[Edit]:
    """What the enforced mask rules among the hits' change, in order."""
    return _merged([(hit.start, hit.end, False, hit.rule) for hit in hits if masks(hit.rule)])


def json_edits(hits: list[Hit], tokens: list[Token]) -> list[Edit]:
    """The same in JSON with these tokens."""
    found = [(start, end, bare, hit.rule) for hit in hits if masks(hit.rule) for start, end, bare in parts(tokens, hit.start, hit.end)]
    merged = _merged(found)
    for edit in merged:
        edit.text = quoted(edit.text, bare=edit.bare)
    return merged


def edited(text: str, changes: list[Edit], offset: int = 0) -> str:
    """The text, which begins at the character `offset`, with the changes made."""
    if not changes:
        return text
    pieces, at = [], offset
    for edit in changes:
        pieces += [text[at - offset : edit.start - offset], edit.text]
        at = edit.end
    return "".join([*pieces, text[at - offset :]])


def _merged(spans: list[tuple[int, int, bool, FirewallRule]]) -> list[Edit]:
    merged: list[Edit] = []
    strongest = (0, 0)
    for start, end, bare, rule in sorted(spans, key=lambda span: span[:2]):
        if start >= end:
            continue
        replacement = DEFAULT_REPLACEMENT if rule.replacement is None else rule.replacement
        strength = (rule.priority, -rule.id)
        if merged and start < merged[-1].end:
            last = merged[-1]
            last.end = max(last.end, end)
            if strength > strongest:
                last.text, strongest = replacement, strength
        else:
            merged.append(Edit(start, end, replacement, bare))
            strongest = strength
    return merged
