"""Wires the edge: Litestar routes over the bus."""

from typing import Any

import msgspec
from litestar import Litestar, Request, asgi, get
from litestar.exceptions import MethodNotAllowedException
from litestar.types import ASGIApp, Receive, Scope, Send

from libs.bus import metrics
from libs.bus.service import Bus
from libs.bus.watch import Watch
from libs.catalog import prices
from libs.catalog.workspaces import Workspaces
from libs.contracts import subjects
from libs.contracts.errors import RouterError
from services.edge import apis, conversations, feedback, logs, models, routing_policy, stored
from services.edge.answer import Body
from services.edge.apis import Api
from services.edge.arrival import Arrival, check_size, headers_of
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.handlers import Edge
from services.edge.openapi import served
from services.edge.rules import firewall_book, routes, routing_book
from services.edge.settings import EdgeSettings
from services.edge.sockets import Sockets, refuse
from services.edge.turns import EdgeTurns

# The same routes under every base URL that published clients are configured with (contract, section 1).
PREFIXES = ("/v1", "", "/v1/v1", "/api/v1", "/api")


def paths(path: str) -> list[str]:
    """A path under every accepted prefix."""
    return [prefix + path for prefix in PREFIXES]


def application(bus: Bus, settings: EdgeSettings, sockets: Sockets | None = None) -> Litestar:
    """The edge's HTTP application."""
    edge, workspaces = Edge(bus, settings), Workspaces()
    sockets = sockets or Sockets(settings.max_body_bytes)
    edge.registry.listen(bus.broker)
    bus.listeners += [edge.flights.listen, edge.background.listen]
    bus.asks_health = True
    bus.watches += [
        Watch(subjects.KEYS_BUCKET, ">", edge.keys.apply),
        Watch(subjects.VAULT_BUCKET, ">", edge.apply_vault),
        Watch(subjects.JOBS_BUCKET, ">", edge.background.apply),
        *(Watch(subjects.POLICIES_BUCKET, f"{kind}.*", workspaces.apply) for kind in ("policy", "learned")),
        Watch(subjects.PRICES_BUCKET, subjects.PRICES_KEY, prices.apply),
    ]

    async def start(_: Any) -> None:
        await bus.connect()
        await edge.prepare(bus)
        await bus.broker.start()
        await bus.start()
        await edge.rule_sets.settled()

    async def stop(_: Any) -> None:
        edge.background.stop()
        await bus.drain()
        await bus.broker.stop()

    return Litestar(
        route_handlers=[
            responses(edge, sockets),
            *(creating(edge, api, path, summary) for api, path, summary in CREATING),
            *stored.routes(edge, paths("/responses")),
            *feedback.routes(edge, paths("/responses")),
            *conversations.routes(edge, paths("/conversations")),
            *models.routes(edge, workspaces, paths("/models")),
            *logs.routes(edge, paths("/logs")),
            *routes(routing_book(edge), paths("/routing-rules"), "routing rule"),
            *routes(firewall_book(edge), paths("/firewall-rules"), "firewall rule"),
            *routing_policy.routes(routing_policy.PolicyBook(edge), paths("/routing/policy")),
            healthz, readyz(edge), scrape, described,
        ],
        on_startup=[start],
        on_shutdown=[stop],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


CREATING: tuple[tuple[Api, str, str], ...] = (
    (apis.COMPACT, "/responses/compact", "Compact a conversation"),
    (apis.INPUT_TOKENS, "/responses/input_tokens", "Count a request's input tokens"),
    (apis.CHAT, "/chat/completions", "Create a chat completion"),
    (apis.EMBEDDINGS, "/embeddings", "Create embeddings"),
    (apis.MESSAGES, "/messages", "Create a message, as Anthropic's clients do"),
    (apis.COUNT_TOKENS, "/messages/count_tokens", "Count a message's input tokens"),
    (apis.PREVIEW, "/routing/preview", "Decide on a request without carrying it out"),
    (apis.RULES_PREVIEW, "/routing-rules/preview", "Try draft routing rules on a request without carrying it out"),
    (apis.FIREWALL_PREVIEW, "/firewall/preview", "Try draft firewall rules on a request or an answer"),
    (apis.FIREWALL_PREVIEW, "/firewall-rules/preview", "Try draft firewall rules on a request or an answer"),
)


def creating(edge: Edge, api: Api, path: str, summary: str) -> Any:
    """A hot route, as a bare ASGI handler: Litestar's request and response objects cost 20 µs, and are not needed."""

    @asgi(paths(path), copy_scope=False, opt={"method": "POST", "summary": summary})
    async def create(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":
            raise MethodNotAllowedException(headers={"Allow": "POST"})
        answer = await edge.create(api, scope, receive)
        await answer(scope, receive, send)

    return create


def responses(edge: Edge, sockets: Sockets) -> Any:
    """The responses of the API itself, by POST or over a WebSocket."""

    @asgi(paths("/responses"), copy_scope=False, opt={"method": "POST", "summary": "Create a response"})
    async def create(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # type: ignore[comparison-overlap]
            return await converse(edge, sockets, scope, receive, send)
        if scope.get("method") != "POST":
            raise MethodNotAllowedException(headers={"Allow": "POST"})
        answer = await edge.create(apis.RESPONSES, scope, receive)
        return await answer(scope, receive, send)

    return create


async def converse(edge: Edge, sockets: Sockets, scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket connection, from the handshake on."""
    arrival = Arrival(headers_of(scope))
    try:
        check_size(scope)
        key = edge.keys.caller(arrival.headers)
    except RouterError as error:
        edge.note_rejected("responses", arrival, error.info)
        return await refuse(scope, receive, send, error.info, arrival.request_id)
    return await sockets.serve(EdgeTurns(edge, arrival.headers, key), receive, send)


@get("/healthz", summary="The process lives")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


def readyz(edge: Edge) -> Any:
    @get("/readyz", summary="Requests can be carried out")
    async def ready() -> ASGIApp:
        services = {name: edge.registry.ready(name) for name in ("firewall", "rules", "router", "provider-worker", "recorder")}
        # Without a recorder rows wait in JetStream; everything else is needed for an answer.
        is_ready = edge.flights.hears() and all(there for name, there in services.items() if name != "recorder")
        body = {"ready": is_ready, "bus": edge.flights.hears(), "services": services, "instance": edge.bus.instance}
        return Body(200 if is_ready else 503, msgspec.json.encode(body), {} if is_ready else {"retry-after": "2"})

    return ready


@get("/metrics", summary="Prometheus metrics of this process", media_type="text/plain")
async def scrape() -> str:
    return metrics.exposition()[0].decode()


@get(["/openapi", "/openapi/openapi.json"])
async def described(request: Request[Any, Any, Any]) -> ASGIApp:
    """This API as an OpenAPI document."""
    return Body(200, served(request.app))
