"""What a preview of rules tries out: draft rules, a request, and for firewall rules perhaps an answer."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from libs.contracts.errors import ValidationFailed
from libs.contracts.requests import Trial
from services.edge import firewall_rule_fields, routing_rule_fields
from services.edge.rule_fields import wrong

Json = dict[str, Any]
Rule = TypeVar("Rule")
MOST_DRAFTS = 200


def request_of(body: Json) -> Json:
    """The request to try the rules on: `request`, or a request's own fields beside the drafts. Firewall rules can be tried on an answer
    alone."""
    request = body.get("request")
    if request is None:
        request = {name: value for name, value in body.items() if name not in _OURS}
    if not isinstance(request, dict):
        raise wrong("request", "must be a request, as POST /v1/responses takes it")
    return {"input": ""} | request


_OURS = frozenset({"rule", "rules", "firewall_rules", "routing_rules", "on_top", "response"})


def routing_trial(body: Json, providers: Collection[str]) -> Trial:
    """Drafts of routing rules, and perhaps of firewall rules before them. Raises ValidationFailed."""
    body, name = _named(body, "routing_rules")
    return Trial(
        stage="router",
        routing=_drafts(body, name, lambda given, number: routing_rule_fields.draft(given, number, providers)),
        firewall=_drafts(body, "firewall_rules", firewall_rule_fields.draft),
        on_top=_on_top(body),
    )


def firewall_trial(body: Json, _: Collection[str]) -> Trial:
    """Drafts of firewall rules, and perhaps an answer to try those of scope `response` on. Raises ValidationFailed."""
    body, name = _named(body, "firewall_rules")
    return Trial(
        stage="firewall", firewall=_drafts(body, name, firewall_rule_fields.draft), on_top=_on_top(body), output=_output(body.get("response")),
    )


def _named(body: Json, name: str) -> tuple[Json, str]:
    """The body, and the name under which its drafts stand; a single one may stand under `rule`."""
    if "rule" in body and "rules" not in body:
        return body | {"rules": [body["rule"]]}, "rules"
    return body, "rules" if "rules" in body else name


def _drafts(body: Json, name: str, draft: Callable[[Json, int], Rule]) -> list[Rule] | None:
    """None where the body says nothing of them, which leaves the live rules in force."""
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > MOST_DRAFTS:
        raise wrong(name, f"must be an array of at most {MOST_DRAFTS} rules")
    drafts = []
    for index, one in enumerate(given):
        if not isinstance(one, dict):
            raise wrong(f"{name}[{index}]", "must be a rule")
        # A draft of a rule that exists keeps its id; the others must not meet it.
        number = one["id"] if type(one.get("id")) is int else -(index + 1)
        try:
            drafts.append(draft(one, number))
        except ValidationFailed as error:
            raise error.because(param=f"{name}[{index}].{error.info.param}") from None
    return drafts


def _on_top(body: Json) -> bool:
    on_top = body.get("on_top", False)
    if not isinstance(on_top, bool):
        raise wrong("on_top", "must be true or false")
    return on_top


def _output(response: Any) -> list[Json] | None:
    """An answer's output items: given as such, within a response, or as the text of a message."""
    if isinstance(response, dict):
        response = response.get("output")
    if isinstance(response, str):
        part = {"type": "output_text", "text": response, "annotations": []}
        return [{"type": "message", "role": "assistant", "status": "completed", "content": [part]}]
    if response is None or (isinstance(response, list) and all(isinstance(item, dict) for item in response)):
        return response
    raise wrong("response", "must be a text, an array of output items, or a response")
