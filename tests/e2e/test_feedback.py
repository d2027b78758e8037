"""Feedback on the whole stack, given on answers of the clients' own libraries."""

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import anthropic
import httpx
import msgspec
import nats
import openai
import pytest
from nats.aio.client import Client

from libs.contracts import subjects
from libs.contracts.policies import ApiKey
from services.bootstrap.keys import digest
from services.supervisor import state
from tests.e2e.stack import API_KEY, ROOT, Stack, until
from tests.recorder_process import feedback, publish, request
from tokenrouter_sdk import AsyncTokenRouter, TokenRouter


def test_an_openai_clients_response_is_rated(stack: Stack) -> None:
    client = openai.OpenAI(api_key=API_KEY, base_url=f"{stack.url}/v1", max_retries=0)
    response = client.responses.create(model="gpt-4o", input="hi")
    answer = stack.post({"score": 0.5, "label": "late", "comment": "It took its time."}, f"/v1/responses/{response.id}/feedback")
    told = answer.json()
    assert (answer.status_code, told["response_id"], told["score"]) == (200, response.id, 0.5)
    row = stack.row(told["request_id"], "feedback_id, score, label, comment", "feedback")
    assert row == [told["id"], "0.5", "late", "It took its time."]
    joined = (
        "SELECT r.candidate, f.score FROM feedback AS f INNER JOIN requests AS r USING (workspace, created_at, request_id) "
        f"WHERE request_id = '{told['request_id']}'"
    )
    assert until(lambda: stack.sql(joined), 20.0, "the row of the request") == [["openai/gpt-4o", "0.5"]]


def test_answers_of_the_other_apis_that_nobody_stored_are_rated_by_their_ids(stack: Stack) -> None:
    completion = openai.OpenAI(api_key=API_KEY, base_url=f"{stack.url}/v1").chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hi"}]
    )
    message = anthropic.Anthropic(api_key=API_KEY, base_url=stack.url).messages.create(
        model="claude-haiku-4-5", max_tokens=20, messages=[{"role": "user", "content": "hi"}]
    )
    for some_id in (completion.id, message.id):
        answer = stack.post({"score": 1}, f"/v1/responses/{some_id}/feedback")
        assert (answer.status_code, answer.json()["response_id"][-32:]) == (200, some_id[-32:]), answer.text


def test_another_workspace_knows_nothing_of_it(stack: Stack) -> None:
    response = stack.post({"model": "gpt-4o", "input": "hi"}).json()
    path = f"{stack.url}/v1/responses/{response['id']}"
    others = {"Authorization": f"Bearer {key_of_another_workspace(stack, 'other')}"}
    # The edge hears of the key a moment after it was made.
    until(lambda: httpx.get(f"{stack.url}/v1/models", headers=others).status_code == 200, 5.0, "the key")
    read, rated = httpx.get(path, headers=others), httpx.post(f"{path}/feedback", headers=others, json={"score": 1}, timeout=10.0)
    assert (rated.status_code, rated.json()["error"]["code"]) == (404, "response_not_found")
    assert rated.json()["detail"] == read.json()["detail"]


async def test_with_our_own_client(stack: Stack) -> None:
    client = TokenRouter(api_key=API_KEY, base_url=stack.url, max_retries=0)
    response = client.responses.create(model="gpt-4o", input="hi")
    first = client.responses.feedback(response.id, score=0)
    second = await AsyncTokenRouter(api_key=API_KEY, base_url=stack.url).responses.feedback(response.id, score=1, label="on second thoughts")
    assert (first.request_id, second.label) == (second.request_id, "on second thoughts")
    query = f"SELECT feedback_id, score FROM feedback WHERE request_id = '{first.request_id}'"
    until(lambda: stack.sql(query) == [[second.id, "1"]], 20.0, "the newer row")
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.responses.feedback(response.id, score=5)
    assert "score" in str(caught.value)


def test_what_feedback_taught_counts_where_learning_is_on_and_as_long_as_it_is(stack: Stack) -> None:
    others = httpx.Client(base_url=f"{stack.url}/v1", headers={"Authorization": f"Bearer {key_of_another_workspace(stack, 'learner')}"})
    until(lambda: others.get("/models").status_code == 200, 5.0, "the key")

    def quality() -> float:
        """What the router expects of a model for this prompt."""
        preview = others.post("/routing/preview", json={"model": "auto:quality", "input": "hi"}).json()
        return next(one["quality"] for one in preview["decision"]["candidates"] if one["model"] == "gpt-4o")

    def learn(*options: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "services.supervisor", "env", sys.executable, "-m", "services.recorder.learn_cli", "learner", *options],
            cwd=ROOT, env=stack.environ, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = quality()
    # Prompts that were not read are a little of each family, so it takes many.
    created = time.time() - 60
    rows = [
        row for n in range(200) for row in (
            request(f"req_00000000-0000-4000-8000-{n:012}", "learner", created_at=created, candidate="openai/gpt-4o", expected_quality=0.8),
            feedback(f"req_00000000-0000-4000-8000-{n:012}", 0.1, "learner", created_at=created, at=created + 1),
        )
    ]
    asyncio.run(as_user(stack, "edge", lambda connection: publish(connection, *rows)))
    until(lambda: stack.sql("SELECT count() FROM feedback WHERE workspace = 'learner'") == [["200"]], 20.0, "the rows")
    assert "200 rated answers" in learn("--apply")
    assert quality() == before
    assert others.patch("/routing/policy", json={"learning": True}).json()["data"]["learned"]["in_force"]
    until(lambda: quality() < before - 0.05, 5.0, "what was learned")
    others.patch("/routing/policy", json={"learning": False})
    until(lambda: quality() == before, 5.0, "the catalog's word again")
    assert "Removed" in learn("--drop")
    assert others.get("/routing/policy").json()["data"]["learned"] is None
    others.close()


def key_of_another_workspace(stack: Stack, workspace: str) -> str:
    """A key that works for a workspace of its own."""
    secret = f"tr_{secrets.token_hex(16)}"
    key = ApiKey(id=f"key_{workspace}", workspace=workspace, name="test", created_at=time.time())

    async def add(connection: Client) -> None:
        bucket = await connection.jetstream().key_value(subjects.KEYS_BUCKET)
        await bucket.put(digest(secret), msgspec.json.encode(key))

    asyncio.run(as_user(stack, "bootstrap", add))
    return secret


async def as_user(stack: Stack, user: str, act: Callable[[Client], Awaitable[None]]) -> None:
    """Do something on the stack's bus with the rights of one of its services."""
    running = state.read(stack.home)
    assert running is not None
    password = msgspec.json.decode((stack.home / "nats" / "passwords.json").read_bytes())[user]
    connection = await nats.connect(running["environ"]["NATS_URL"], user=user, password=password, inbox_prefix=f"_INBOX_{user}".encode())
    try:
        await act(connection)
    finally:
        await connection.close()
