"""Idempotency keys on a real nats-server, claimed from two edges."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from libs.contracts import subjects
from libs.contracts.errors import Conflict, InvalidRequest
from libs.contracts.state import Idempotency, StoredResponse, issued_key
from libs.state.responses import IDEMPOTENT_SECONDS, Responses
from libs.state.store import Store
from services.edge import idempotency
from services.edge.idempotency import MAX_KEY, IdempotencyKeys, checked, fingerprint_of
from tests.nats_server import nats_server

OURS, KEY = "fake-workspace", "fake-key"
ONE, OTHER = (fingerprint_of("responses", {"input": text}) for text in ("one", "other"))


class Edges:
    """Edges that share a server; `working` holds the ids of the requests that somebody works on."""

    def __init__(self, connection: Client) -> None:
        self.js = js = connection.jetstream()
        self.responses = Responses(Store(connection, js, subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET))
        self._claims = Store(connection, js, subjects.IDEMPOTENCY_STREAM, subjects.STATE_BODIES_BUCKET)
        self.working: set[str] = set()
        self.asked: list[Idempotency] = []
        self.looked = asyncio.Event()

    def keys(self, edge: str = "edge-1") -> IdempotencyKeys:
        return IdempotencyKeys(self._claims, self.responses, edge, self._works_on)

    def _works_on(self, claim: Idempotency) -> bool:
        self.asked.append(claim)
        self.looked.set()
        return claim.request_id in self.working

    async def answered(self, number: int, workspace: str = OURS, **fields: Any) -> StoredResponse:
        known: dict[str, Any] = {"created_at": time.time(), "status": "completed", "response": b"{}", "fingerprint": ONE}
        stored = StoredResponse(request_id=request_id(number), **(known | fields))
        await self.responses.put(workspace, stored)
        return stored


@pytest.fixture
async def edges(tmp_path: Path) -> AsyncIterator[Edges]:
    async with nats_server(tmp_path / "nats") as server:
        connection = await server.connect()
        yield Edges(connection)
        await connection.close()


def request_id(number: int) -> str:
    return f"req_00000000-0000-4000-8000-{number:012x}"


async def test_the_first_carries_out_and_a_repetition_gets_its_answer_on_any_edge(edges: Edges) -> None:
    assert await edges.keys("edge-1").claim(OURS, KEY, ONE, request_id(1)) is None
    stored = await edges.answered(1)
    for edge in ("edge-1", "edge-2"):
        assert await edges.keys(edge).claim(OURS, KEY, ONE, request_id(2)) == stored


async def test_another_body_is_a_409_before_and_after_the_answer(edges: Edges) -> None:
    await edges.keys().claim(OURS, KEY, ONE, request_id(1))
    for _ in range(2):
        with pytest.raises(Conflict) as raised:
            await edges.keys("edge-2").claim(OURS, KEY, OTHER, request_id(2))
        told = raised.value.info
        assert (told.status, told.code, told.should_retry) == (409, "idempotency_key_reused", False)
        await edges.answered(1)


async def test_keys_belong_to_a_workspace(edges: Edges) -> None:
    await edges.keys().claim(OURS, KEY, ONE, request_id(1))
    assert await edges.keys().claim("another-workspace", KEY, OTHER, request_id(2)) is None


async def test_of_many_at_once_one_carries_out(edges: Edges) -> None:
    edges.working = {request_id(number) for number in range(8)}
    tasks = [asyncio.create_task(edges.keys(f"edge-{n}").claim(OURS, KEY, ONE, request_id(n))) for n in range(8)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [None]
    first = next(number for number, task in enumerate(tasks) if task in done)
    stored = await edges.answered(first)
    assert await asyncio.gather(*waiting) == [stored] * 7


async def test_a_repetition_waits_for_the_first(edges: Edges) -> None:
    await edges.keys("edge-1").claim(OURS, KEY, ONE, request_id(1))
    edges.working = {request_id(1)}
    repetition = asyncio.create_task(edges.keys("edge-2").claim(OURS, KEY, ONE, request_id(2)))
    await edges.looked.wait()
    assert not repetition.done()
    stored = await edges.answered(1)
    assert await repetition == stored
    assert (edges.asked[0].edge, edges.asked[0].request_id) == ("edge-1", request_id(1))


async def test_one_that_works_too_long_is_a_409_to_try_again(edges: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "WAIT", 0.0)
    await edges.keys("edge-1").claim(OURS, KEY, ONE, request_id(1))
    edges.working = {request_id(1)}
    with pytest.raises(Conflict) as raised:
        await edges.keys("edge-2").claim(OURS, KEY, ONE, request_id(2))
    assert (raised.value.info.code, raised.value.info.retry_after) == ("idempotency_key_in_use", 2)


async def test_a_claim_whose_edge_died_is_taken_over_once(edges: Edges) -> None:
    await edges.keys("edge-1").claim(OURS, KEY, ONE, request_id(1))
    edges.working = {request_id(2), request_id(3)}
    tasks = [asyncio.create_task(edges.keys(f"edge-{n}").claim(OURS, KEY, ONE, request_id(n))) for n in (2, 3)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [None]
    stored = await edges.answered(2 if tasks[0] in done else 3)
    assert [await task for task in waiting] == [stored]


async def test_a_failed_answer_is_tried_anew_but_not_one_from_the_background(edges: Edges) -> None:
    await edges.keys().claim(OURS, KEY, ONE, request_id(1))
    await edges.answered(1, status="failed")
    assert await edges.keys().claim(OURS, KEY, ONE, request_id(2)) is None
    stored = await edges.answered(2, status="failed", background=True)
    assert await edges.keys().claim(OURS, KEY, ONE, request_id(3)) == stored


async def test_a_released_key_is_free_and_only_its_holder_releases_it(edges: Edges) -> None:
    await edges.keys().claim(OURS, KEY, ONE, request_id(1))
    edges.working = {request_id(1)}
    await edges.keys().release(OURS, KEY, request_id(2))
    with pytest.raises(Conflict):
        await edges.keys().claim(OURS, KEY, OTHER, request_id(2))
    await edges.keys().release(OURS, KEY, request_id(1))
    assert await edges.keys().claim(OURS, KEY, OTHER, request_id(2)) is None
    await edges.keys().release(OURS, "never-claimed", request_id(1))


async def test_an_answer_that_is_there_keeps_its_key(edges: Edges) -> None:
    """The client may leave after the worker has written the answer."""
    await edges.keys().claim(OURS, KEY, ONE, request_id(1))
    stored = await edges.answered(1)
    await edges.keys().release(OURS, KEY, request_id(1))
    assert await edges.keys().claim(OURS, KEY, ONE, request_id(2)) == stored


async def test_a_key_that_we_issued_names_its_answer(edges: Edges) -> None:
    stored = await edges.answered(1)
    key = issued_key(request_id(1))
    assert await edges.keys().claim(OURS, key, ONE, request_id(2)) == stored
    with pytest.raises(Conflict):
        await edges.keys().claim(OURS, key, OTHER, request_id(2))
    assert await edges.keys().claim("another-workspace", key, ONE, request_id(3)) is None


@pytest.mark.parametrize("fields", [{"created_at": 1.0}, {"fingerprint": ""}], ids=["a day ago", "not kept for that"])
async def test_an_issued_key_that_is_over_is_a_key_like_any_other(edges: Edges, fields: dict[str, Any]) -> None:
    await edges.answered(1, **fields)
    key = issued_key(request_id(1))
    assert await edges.keys().claim(OURS, key, OTHER, request_id(2)) is None
    stored = await edges.answered(2, fingerprint=OTHER)
    assert await edges.keys().claim(OURS, key, OTHER, request_id(3)) == stored


async def test_what_is_kept_for_repetitions_alone_is_gone_after_a_day(edges: Edges) -> None:
    stored = await edges.answered(1, store=False)
    message = await edges.js.get_last_msg(subjects.STATE_STREAM, subjects.stored_response(OURS, stored.response_id))
    assert (message.headers or {})["Nats-TTL"] == f"{IDEMPOTENT_SECONDS}s"


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY + 1), "a\nb", "\x00"])
def test_what_is_no_key_is_a_400(key: str) -> None:
    with pytest.raises(InvalidRequest):
        checked(key)


def test_a_key_is_taken_as_it_is() -> None:
    assert checked("x" * MAX_KEY) == "x" * MAX_KEY
    assert checked(None) == ""


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))))
def test_a_fingerprint_is_of_what_a_body_says(body: dict[str, Any]) -> None:
    again = dict(reversed(body.items()))
    assert fingerprint_of("responses", again) == fingerprint_of("responses", body)
    assert fingerprint_of("messages", body) != fingerprint_of("responses", body)
    assert fingerprint_of("responses", body | {"fake": 1}) != fingerprint_of("responses", body | {"fake": 2})
