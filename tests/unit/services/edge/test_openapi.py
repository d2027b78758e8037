"""The document against the routes, and its schemas against what the parts of the edge really make."""

from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from litestar.routes import ASGIRoute, HTTPRoute

from docs.pages import edge
from libs.bus.health import Registry
from libs.contracts.errors import RouterError
from libs.contracts.health import Health, ProviderAccount
from libs.contracts.policies import Learned, LearnedQuality, ModelOverride, RoutingPolicy, Weights
from libs.contracts.state import Conversation
from libs.responses.frame import Frame
from services.edge import conversations, logs_query, models, openapi
from services.edge.formats.chat import ChatFormat
from services.edge.formats.messages import MessagesFormat
from services.edge.ingress import chat, chat_fields, messages, messages_fields
from services.edge.ingress.compact import CompactFormat
from services.edge.openapi_codes import CARRIED_OUT, CODES, CONTINUED, REPEATABLE, error_codes
from services.edge.openapi_operations import OPERATIONS
from services.edge.paging import Page, paged
from services.edge.routing_policy import PolicyBook

APP = edge()
DOCUMENT = openapi.document(APP)
SCHEMAS = DOCUMENT["components"]["schemas"]
CALLS = [(path, method, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()]
IDS = [f"{method.upper()} {path}" for path, method, _ in CALLS]


def faults(name: str, value: Any) -> list[str]:
    """What a schema of the document has against a value."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(value)]


def served() -> set[tuple[str, str]]:
    """(path, method) of every route under its first prefix."""
    found = set()
    for route in APP.routes:
        methods = set(route.methods) if isinstance(route, HTTPRoute) else set()
        if isinstance(route, ASGIRoute):
            methods = {route.route_handler.opt["method"]}
        found |= {(route.path_format, method) for method in methods - {"OPTIONS", "HEAD"}}
    return {(path, method) for path, method in found if path.startswith("/v1/") and not path.startswith("/v1/v1/")}


def test_every_route_is_in_the_document_and_nothing_else() -> None:
    described = {(path, method.upper()) for path, method, _ in CALLS}
    assert described == served() | {("/healthz", "GET"), ("/readyz", "GET"), ("/metrics", "GET")}


def test_every_description_has_its_route() -> None:
    assert set(OPERATIONS) <= {(method, path) for path, method in served()}


def test_the_document_is_valid() -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(DOCUMENT)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_json_schema(name: str) -> None:
    assert jsonschema_rs.meta.is_valid(SCHEMAS[name] | {"$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_operations_have_ids_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in CALLS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("path", "method", "operation"), CALLS, ids=IDS)
def test_path_parameters_are_described(path: str, method: str, operation: dict[str, Any]) -> None:
    described = {given["name"] for given in operation.get("parameters", []) if given["in"] == "path"}
    assert described == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


@pytest.mark.parametrize(("path", "method", "operation"), CALLS, ids=IDS)
def test_errors_are_in_the_shape_of_their_api(path: str, method: str, operation: dict[str, Any]) -> None:
    if not path.startswith("/v1/"):
        return
    failed = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
    assert {"400", "401", "500", "503"} <= set(failed)
    shape = "MessagesError" if path.startswith("/v1/messages") else "Error"
    assert {answer["content"]["application/json"]["schema"]["$ref"] for answer in failed.values()} == {f"#/components/schemas/{shape}"}


def test_sets_of_codes_name_codes() -> None:
    used = frozenset[str]().union(*(operation.codes for operation in OPERATIONS.values())) | CARRIED_OUT | CONTINUED | REPEATABLE
    assert used <= {code for _, _, code, _ in error_codes()}


def test_answers_to_a_documented_code_name_its_status() -> None:
    answers = DOCUMENT["paths"]["/v1/responses/{response_id}"]["post"]["responses"]
    assert "`nothing_to_replay`" in answers["409"]["description"]
    assert "`response_not_found`" in answers["404"]["description"]


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, code, _ in CODES])
def test_errors_fit(kind: type[RouterError], code: str) -> None:
    error = kind("made up", code=code, param="input").info
    assert not faults("Error", error.body("req_fake"))
    assert not faults("MessagesError", msgspec.json.decode(MessagesFormat().error(error, "req_fake")))


def test_an_error_without_its_message_does_not_fit() -> None:
    assert faults("Error", {"error": {"type": "x", "code": "y"}, "request_id": "req_fake", "detail": "z"})


def test_a_routing_policy_fits() -> None:
    registry = Registry()
    registry.note(Health(service="provider-worker", instance="w-1", at=0.0, providers=[ProviderAccount(provider="openai", configured=True)]))
    book = PolicyBook(SimpleNamespace(bus=None, registry=registry))  # type: ignore[arg-type]
    whole = RoutingPolicy(
        allow=["openai/*"], regions=["eu"], weights={"cost": Weights(cost=1, quality=0, latency=0)}, exploration=0.1,
        models={"openai/gpt-4o": ModelOverride(input_usd_per_mtok="1", quality_by_family={"code": 0.5})},
    )
    taught = Learned(at="a", since="b", ratings=3, models={"openai/gpt-4o": {"code": LearnedQuality(prior=0.5, posterior=0.6, ratings=3)}})
    for policy, learned in ((whole, taught), (RoutingPolicy(), None)):
        answer = msgspec.json.decode(book.told(policy, 7, learned))
        assert not faults("RoutingPolicyAnswer", answer)
        assert not faults("RoutingPolicyFields", answer["data"]["policy"])
    assert faults("RoutingPolicyFields", {"alow": []})


def response(**more: Any) -> dict[str, Any]:
    frame = Frame(
        {"input": "hello"}, response_id="resp_00000000000040008000000000000001", request_id="req_00000000-0000-4000-8000-000000000001",
        created_at=1, model="fake-1", metadata={},
    )
    said = {"type": "message", "id": "msg_fake", "role": "assistant", "status": "completed", "content": [
        {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []},
    ]}
    usage = {
        "input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5,
    }
    return frame.render({"output": [said], "usage": usage}, status="completed") | {"tokenrouter": {"provider": "openai"}} | more


@pytest.mark.parametrize("status", ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"])
def test_responses_fit(status: str) -> None:
    assert not faults("Response", response(status=status))


def test_a_response_with_an_unknown_status_does_not_fit() -> None:
    assert faults("Response", response(status="asleep"))


def test_answers_in_other_apis_fit() -> None:
    whole = msgspec.json.encode(response())
    asked = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    for name, form in (("ChatCompletion", ChatFormat.of(asked)), ("Message", MessagesFormat()), ("Compaction", CompactFormat())):
        status, body = form.body(whole)
        assert status == 200
        assert not faults(name, msgspec.json.decode(body)), name


def test_models_fit() -> None:
    entries = models.listed({}, frozenset(), 1_700_000_000.0)
    assert entries
    assert not faults("ModelList", {"object": "list", "data": entries})


def test_items_fit() -> None:
    items = [{"type": "message", "id": f"msg_{n}", "role": "user", "content": "hello"} for n in range(3)]
    assert not faults("ItemList", paged(items, Page(limit=2)))
    assert not faults("ItemList", paged([], Page()))


def test_conversations_fit() -> None:
    shown = conversations._shown(Conversation(id="conv_fake", created_at=1, metadata={"team": "blue"}))
    assert not faults("Conversation", shown)


COUNTS: dict[str, Any] = {"input_tokens": 11, "output_tokens": 7, "cached_tokens": 3, "cache_write_tokens": 2, "reasoning_tokens": 1}
ROW = logs_query.LoggedWhole(
    request_id="req_00000000-0000-4000-8000-000000000001", created_at="2026-01-31 08:00:00.000000", endpoint="responses",
    model_requested="auto", model="fake-1", provider="", mode="cost", confidence=0.5, status="completed", http_status=200, error_code="",
    cost_usd=None, latency_ms=9.5, ttft_ms=None, stream=True, background=False, sandbox=False, metadata={"team": "blue"}, attempts=1,
    idempotency_key="",
    reason="the only candidate", task_family="math", chosen_for="score",
    expected_usd=0.001, expected_s=1.5, expected_quality=0.75, decision='{"weights":[0.4,0.4,0.2]}',
    reading='{"version":"1","families":{"math":0.9},"difficulty":0.5,"output_tokens":100,"demand":"ADg=","sure":0.9}',
    warnings="", rule_trace="", firewall_trace="", candidates='[{"provider":"openai","model":"fake-1"}]', excluded="",
    hops=[logs_query.LoggedHop(stage="router", instance="r", at=1.5, took_ms=0.5)], **COUNTS,
)
ATTEMPT = logs_query.LoggedAttempt(
    dispatch=1, attempt=1, started_at="2026-01-31 08:00:00.000000", provider="openai", account="default", model="fake-1", status="completed",
    http_status=200, error_code="", billing="billed", cost_usd=None, latency_ms=9.0, ttft_ms=1.0, provider_request_id="",
    provider_response_id="up", worker="w", own_key=False, sandbox=False, adapted=["temperature left out"], **COUNTS,
)


def test_logs_fit() -> None:
    assert not faults("LogWhole", msgspec.json.decode(msgspec.json.encode(logs_query.whole_entry(ROW, [ATTEMPT]))))


def test_a_log_has_nothing_that_is_not_described() -> None:
    told = msgspec.json.decode(msgspec.json.encode(logs_query.whole_entry(ROW, [ATTEMPT])))
    assert set(told) == set(SCHEMAS["LogWhole"]["properties"])
    assert set(told["attempt_rows"][0]) == set(SCHEMAS["LogAttempt"]["properties"])


CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
MESSAGES = CHAT | {"max_tokens": 5}
JUNK: list[Any] = ["text", 1, 1.5, True, [], {}, None]


@pytest.mark.parametrize("field", sorted(set(chat_fields.FIELDS) - {"messages"}))
@pytest.mark.parametrize("value", JUNK, ids=repr)
def test_chat_fields_of_a_wrong_type_fit_neither_code_nor_schema(field: str, value: Any) -> None:
    body = CHAT | {field: value}
    if faults("ChatRequest", body):
        return
    # What the schema takes may still be refused for what it says, but not for its type.
    chat_fields.checked(body)


@pytest.mark.parametrize("field", sorted(set(messages_fields.FIELDS) - {"messages", "thread", "compaction", "mcp_servers"}))
@pytest.mark.parametrize("value", JUNK, ids=repr)
def test_message_fields_of_a_wrong_type_fit_neither_code_nor_schema(field: str, value: Any) -> None:
    body = MESSAGES | {field: value}
    if faults("MessagesRequest", body):
        return
    messages_fields.checked(body)


def test_plain_requests_fit() -> None:
    assert not faults("ChatRequest", CHAT)
    assert not faults("MessagesRequest", MESSAGES)
    assert not faults("CountTokensRequest", CHAT)
    assert not faults("EmbeddingsRequest", {"model": "auto", "input": [[1, 2], [3]]})
    assert not faults("CompactRequest", {"model": "auto", "input": "hello"})
    assert chat.request_of(dict(CHAT))
    assert messages.request_of(dict(MESSAGES))


def test_a_conversation_may_not_hold_what_cannot_be_stored() -> None:
    with pytest.raises(RouterError, match="64 bits"):
        conversations._items([{"type": "made_up", "number": 10**30}])
