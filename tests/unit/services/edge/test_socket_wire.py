"""WebSocket mode over a real connection: uvicorn on one side, the official SDK on the other."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send
from openai import AsyncOpenAI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from libs.contracts.errors import Unauthorized
from services.edge.sockets import Sockets, refuse
from tests.unit.services.edge.test_socket import Script

KEY = "tr_00000000000000000000000000000000"
LIMIT = 1 << 20


@asynccontextmanager
async def served(turns: Script, sockets: Sockets) -> AsyncIterator[str]:
    """The address of a server whose only route is WebSocket mode."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if dict(scope["headers"]).get(b"authorization") != f"Bearer {KEY}".encode():
            await refuse(scope, receive, send, Unauthorized("unknown key").info, "req_1")
            return
        await sockets.serve(turns, receive, send)

    config = uvicorn.Config(
        app, ws="websockets-sansio", lifespan="off", log_config=None, ws_max_size=2 * LIMIT, ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def completed(connection: Any) -> Any:
    async for event in connection:
        if event.type in ("response.completed", "error"):
            return event
    raise AssertionError("the connection was closed")


async def test_the_sdk_creates_and_continues_responses() -> None:
    async with (
        served(Script(), Sockets(LIMIT)) as address,
        AsyncOpenAI(api_key=KEY, base_url=f"http://{address}/v1") as client,
        client.responses.connect() as connection,
    ):
        await connection.response.create(model="m", input="one", store=False)
        first = await completed(connection)
        await connection.response.create(model="m", input="two", store=False, previous_response_id=first.response.id, stream_id="b")
        second = await completed(connection)
        assert (second.response.id, second.stream_id) == ("resp_2", "b")
        await connection.response.create(model="m", input="three", previous_response_id="resp_0")
        assert (await completed(connection)).error.code == "previous_response_not_found"


async def test_without_a_key_there_is_no_connection() -> None:
    async with served(Script(), Sockets(LIMIT)) as address:
        with pytest.raises(InvalidStatus) as raised:
            await connect(f"ws://{address}/v1/responses")
    response = raised.value.response
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.body or b"")["error"]["code"] == "invalid_api_key"


async def test_a_frame_above_the_limit_is_answered() -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    async with served(Script(), Sockets(LIMIT)) as address, connect(f"ws://{address}/v1/responses", additional_headers=headers) as raw:
        await raw.send(json.dumps({"type": "response.create", "input": "x" * LIMIT}))
        assert json.loads(await raw.recv())["status"] == 413


async def test_leaving_stops_the_turn() -> None:
    turns = Script("slow")
    headers = {"authorization": f"Bearer {KEY}"}
    async with served(turns, Sockets(LIMIT)) as address, connect(f"ws://{address}/v1/responses", additional_headers=headers) as raw:
        await raw.send(json.dumps({"type": "response.create", "input": "slow"}))
        await raw.recv()
    assert turns.left == ["resp_1"]


async def test_draining_closes_with_a_code_after_which_clients_come_back() -> None:
    sockets, headers = Sockets(LIMIT), {"authorization": f"Bearer {KEY}"}
    async with served(Script(), sockets) as address, connect(f"ws://{address}/v1/responses", additional_headers=headers) as raw:
        await raw.send(json.dumps({"type": "response.create", "input": "one"}))
        while json.loads(await raw.recv())["type"] != "response.completed":
            pass
        await sockets.drain(5.0)
        with pytest.raises(ConnectionClosed) as raised:
            await raw.recv()
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1012
