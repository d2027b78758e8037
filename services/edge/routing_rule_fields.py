"""Checks the fields of a routing rule that a client sends; every complaint names the field (422)."""

from collections.abc import Collection

from libs.contracts.policies import RoutingRule
from services.edge.routing_actions import check_action
from services.edge.routing_conditions import check_match
from services.edge.rule_fields import COMMON, Fields, check_common, drafted, object_of, present

ROUTING = (*COMMON, "match_json", "action_json")


def routing_fields(given: Fields, *, partial: bool, providers: Collection[str] = ()) -> Fields:
    """The fields of a routing rule, checked. `partial` allows any subset; `providers` are those beyond the known ones. Raises
    ValidationFailed."""
    fields = present(given, ROUTING, (), partial=partial)
    check_common(fields)
    if "match_json" in fields:
        fields["match_json"] = object_of(fields["match_json"], "match_json")
        check_match(fields["match_json"])
    if "action_json" in fields:
        fields["action_json"] = object_of(fields["action_json"], "action_json")
        check_action(fields["action_json"], providers)
    return fields


def draft(given: Fields, number: int, providers: Collection[str] = ()) -> RoutingRule:
    """A rule for a preview, checked as a new one; name, priority and `is_enabled` may be left out. Raises ValidationFailed."""
    fields, ours = drafted(given, number)
    return RoutingRule(**routing_fields(fields, partial=False, providers=providers), **ours)
