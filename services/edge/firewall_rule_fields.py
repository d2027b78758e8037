"""Checks the fields of a firewall rule that a client sends; every complaint names the field (422)."""

from typing import get_args

from libs.contracts.policies import FirewallAction, FirewallRule, FirewallType, Scope
from libs.firewall.pattern import check, warnings
from services.edge.rule_fields import COMMON, Fields, check_common, drafted, present, wrong

FIREWALL = (*COMMON, "scope", "type", "pattern", "action")
OPTIONAL = ("replacement", "exceptions", "observe", "projects", "api_keys")
MAX_REPLACEMENT = 1000
MOST_EXCEPTIONS, MOST_NAMES, LONGEST = 200, 200, 1000


def firewall_fields(given: Fields, *, partial: bool) -> Fields:
    """The fields of a firewall rule, each checked by itself. Raises ValidationFailed."""
    fields = present(given, FIREWALL, OPTIONAL, partial=partial)
    check_common(fields)
    for name, allowed in (("scope", get_args(Scope)), ("type", get_args(FirewallType)), ("action", get_args(FirewallAction))):
        if name in fields and fields[name] not in allowed:
            raise wrong(name, f"must be one of {', '.join(allowed)}")
    if "pattern" in fields and not isinstance(fields["pattern"], str):
        raise wrong("pattern", "must be a string")
    replacement = fields.get("replacement")
    if replacement is not None and (not isinstance(replacement, str) or len(replacement) > MAX_REPLACEMENT):
        raise wrong("replacement", f"must be a string of at most {MAX_REPLACEMENT} characters, or null")
    _check_lists(fields)
    if "observe" in fields and not isinstance(fields["observe"], bool):
        raise wrong("observe", "must be true or false")
    return fields


def _check_lists(fields: Fields) -> None:
    for name, most in (("exceptions", MOST_EXCEPTIONS), ("projects", MOST_NAMES), ("api_keys", MOST_NAMES)):
        given = fields.get(name)
        if name in fields and given is None:
            fields[name] = []
        elif given is not None and (
            not isinstance(given, list) or len(given) > most or not all(isinstance(one, str) and 0 < len(one) <= LONGEST for one in given)
        ):
            raise wrong(name, f"must be an array of at most {most} strings, none of them empty or longer than {LONGEST} characters")


def draft(given: Fields, number: int) -> FirewallRule:
    """A rule for a preview, checked as a new one; name, priority and `is_enabled` may be left out. Raises ValidationFailed."""
    fields, ours = drafted(given, number)
    rule = FirewallRule(**firewall_fields(fields, partial=False), **ours)
    pattern_doubts(rule)
    return rule


def pattern_doubts(rule: FirewallRule) -> list[str]:
    """What the client should know of the rule's pattern. Raises ValidationFailed where it, or an exception, cannot be used."""
    check(rule)
    return warnings(rule)
