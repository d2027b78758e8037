"""The default packs on answers that come in pieces of every size, through the whole stack: nothing leaks, and all ways say the same."""

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, events
from tests.upstream import Behaviour, Upstream

chance = random.Random(6)
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def drawn(count: int) -> str:
    return "".join(chance.choices(LETTERS, k=count))


FILLER = "Nothing of this needs to be hidden from anybody who reads it. "
SECRETS = [
    "ghp_" + drawn(36), "sk-" + "proj-" + drawn(64), "AK" + "IA" + "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZ234567", k=16)),
    "xox" + "b-" + "1" * 12 + "-" + "2" * 12 + "-" + drawn(24), "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", f"{drawn(8)}@fake.example.org",
    "-----BEGIN " + "PRIVATE KEY-----\n" + "\n".join(drawn(64) for _ in range(12)) + "\n-----END " + "PRIVATE KEY-----",
    "postgres://admin:" + drawn(18) + "@db.example.org:5432/app",
]
TEXTS = [FILLER * before + f"It is {secret} and that was it. " + FILLER * 2 for before, secret in enumerate(SECRETS)]


@pytest.fixture
def packs(stack: Stack, upstream: Upstream) -> Iterator[None]:
    rule = {
        "name": "packs", "is_enabled": True, "priority": 0, "scope": "response", "type": "detector", "pattern": "secrets, pii", "action": "mask",
    }
    made = stack.post(rule, "/v1/firewall-rules").json()["data"]
    upstream.script = _says
    yield
    httpx.delete(f"{stack.url}/v1/firewall-rules/{made['id']}", headers=stack.auth).raise_for_status()


def _says(call: Any) -> Behaviour:
    """What the prompt tells it to say, in pieces of the size that it names."""
    told = call.body["input"]
    text, size = json.loads(told if isinstance(told, str) else told[0]["content"])
    return Behaviour(text=text, chunks=max(1, -(-len(text) // size)))


def _asked(stack: Stack, text: str, size: int, *, stream: bool) -> httpx.Response:
    answer = stack.post({"model": "gpt-4o", "input": json.dumps([text, size]), "stream": stream, "store": False})
    assert answer.status_code == 200
    return answer


@pytest.mark.usefixtures("packs")
@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_secret_in_pieces_of_any_size_does_not_get_out(stack: Stack, number: int) -> None:
    text, secret = TEXTS[number], SECRETS[number]
    whole = _asked(stack, text, 1, stream=False)
    said = whole.json()["output"][0]["content"][0]["text"]
    runs = [secret[at : at + 12] for at in range(len(secret) - 11)]
    assert "[redacted]" in said
    assert not any(run in said for run in runs)
    with ThreadPoolExecutor(4) as pool:
        streams = list(pool.map(lambda size: _asked(stack, text, size, stream=True), (1, 2, 3, 5, 8, 50, 300)))
    for stream in streams:
        seen = events(stream)
        assert "".join(event["delta"] for event in seen if event["type"] == "response.output_text.delta") == said
        assert seen[-1]["response"]["output"][0]["content"][0]["text"] == said
        assert not any(json.dumps(run)[1:-1] in stream.text for run in runs)
