"""The interface documents tell what the code does: channels against subjects and permissions, schemas against the code."""

import ast
import inspect
import re
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from docs.pages import edge
from libs.bus.asyncapi import CHANNELS, EVERYONE, Channel, document
from libs.contracts import subjects
from libs.contracts.errors import RouterError
from libs.responses import canonical, frame
from services.edge import openapi, openapi_codes
from tests.unit.docs.pages import ROOT

OPENAPI = openapi.document(edge())
ASYNCAPI = document(openapi.VERSION)


def pattern(subject: str) -> str:
    return re.sub(r"{\w+}", "*", subject)


def permissions() -> dict[str, dict[str, set[str]]]:
    """NATS user → publish and subscribe → its subjects of ours."""
    text = (ROOT / "deploy/nats.conf").read_text()
    found: dict[str, dict[str, set[str]]] = {}
    for user, body in re.findall(r"user: ([a-z-]+), password(.*?)(?=\n    \{|\Z)", text, re.DOTALL):
        sides = re.split(r"\bsubscribe:", body)
        found[user] = {
            side: {quoted.split(" ")[0] for quoted in re.findall(r'"([^"]+)"', listed) if quoted.startswith("tokenrouter.")}
            for side, listed in zip(("publish", "subscribe"), sides, strict=True)
        }
    return found


PERMISSIONS = permissions()
OURS = [channel for channel in CHANNELS if channel.subject.startswith("tokenrouter.")]


def test_every_subject_has_a_channel() -> None:
    built = [
        make(*("*" for _ in inspect.signature(make).parameters))
        for make in vars(subjects).values() if inspect.isfunction(make)
    ]
    named = [value for name, value in vars(subjects).items() if isinstance(value, str) and value.startswith("tokenrouter.v1.")]
    known = {pattern(channel.subject) for channel in OURS}
    assert {subject for subject in (*built, *named) if not covers(subject, known)} == known


def covers(subject: str, known: set[str]) -> bool:
    """Whether a subject stands for several channels."""
    return subject.endswith(".>") and any(one.startswith(subject.removesuffix(">")) for one in known)


@pytest.mark.parametrize("channel", OURS, ids=lambda channel: channel.name)
def test_both_ends_have_permission(channel: Channel) -> None:
    for user in channel.senders:
        # Where a subject names its sender, the permission is for that sender's own.
        own = pattern(channel.subject.replace("{service}", user))
        assert any(subject in (own, pattern(channel.subject)) or covers(subject, {own}) for subject in PERMISSIONS[user]["publish"]), user
    if channel.carried.startswith("JetStream"):
        return
    for user in channel.receivers:
        assert pattern(channel.subject) in PERMISSIONS[user]["subscribe"], user


def test_every_permission_is_on_a_channel() -> None:
    allowed = {subject for sides in PERMISSIONS.values() for listed in sides.values() for subject in listed}
    known = {pattern(channel.subject) for channel in OURS}
    known |= {pattern(channel.subject.replace("{service}", user)) for channel in OURS for user in EVERYONE}
    assert len(allowed) > 20
    assert {subject for subject in allowed if not covers(subject, known)} <= known


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for inner in value.values() for ref in references(inner)]
    return [ref for inner in value for ref in references(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("made", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_references_resolve(made: dict[str, Any]) -> None:
    found = references(made)
    assert found
    for reference in found:
        place: Any = made
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_request_schema_has_the_fields_that_are_checked() -> None:
    assert set(OPENAPI["components"]["schemas"]["ResponseRequest"]["properties"]) == set(canonical._KINDS)


def test_the_response_schema_has_the_fields_that_are_sent() -> None:
    ours = {"request_id", "output_text", "tokenrouter"}
    assert set(OPENAPI["components"]["schemas"]["Response"]["properties"]) == set(frame.EMPTY) | ours


def _methods(route: Any) -> set[str]:
    """A bare ASGI route names its method itself."""
    return set(route.methods) if isinstance(route, HTTPRoute) else {route.route_handler.opt["method"]}


def test_every_route_is_described() -> None:
    described = {(path, method.upper()) for path, item in OPENAPI["paths"].items() for method in item}
    served = {(path.removeprefix("/v1"), method) for path, method in described}
    actual = {
        (re.sub(r"^(/v1/v1|/v1|/api/v1|/api)(?=/)", "", route.path_format), method)
        for route in edge().routes for method in _methods(route) if method not in ("OPTIONS", "HEAD")
    }
    assert actual - served == {("/openapi", "GET"), ("/openapi/openapi.json", "GET")}
    assert not served - actual


def test_every_error_code_is_documented() -> None:
    """Codes that the source gives to an error of the tree, against the list that the documents are made of."""
    kinds = {kind.__name__: kind for kind in openapi_codes.below(RouterError)}
    given: set[tuple[str, str]] = set()
    for source in [*ROOT.glob("libs/**/*.py"), *ROOT.glob("services/**/*.py")]:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                given |= {
                    (kinds[node.func.id].type, word.value.value)
                    for word in node.keywords if word.arg == "code" and isinstance(word.value, ast.Constant)
                }
    # Only the ledger sees this one: whoever it is about has left.
    given -= {("invalid_request_error", "client_closed")}
    assert given
    assert given <= {(kind, code) for _, kind, code, _ in openapi.error_codes()}


def test_the_document_is_served_as_json() -> None:
    app = edge()
    assert msgspec.json.decode(openapi.served(app)) == msgspec.json.decode(msgspec.json.encode(openapi.document(app)))
