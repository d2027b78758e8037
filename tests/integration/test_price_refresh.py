"""The job that puts a newer price list into force, on a real nats-server, and a router that watches for it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from libs.bus.watch import Watch
from libs.catalog import prices
from libs.catalog.models import find
from libs.contracts import subjects
from services.bootstrap.prices import main
from tests.nats_server import NatsServer
from tests.price_list import as_bytes, model_of, published


def costing(dollars: float, without: str = "") -> bytes:
    raw = published()
    model_of(raw, "openai", "gpt-4o")["prices"]["input_mtok"] = dollars
    return as_bytes([provider for provider in raw if provider["id"] != without])


class Router:
    """Watches as routers and edges do."""

    def __init__(self) -> None:
        self._seen: asyncio.Queue[None] = asyncio.Queue()

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        prices.apply(key, value, revision)
        self._seen.put_nowait(None)

    async def price(self) -> tuple[Decimal, str]:
        """Once something new has come into force."""
        await asyncio.wait_for(self._seen.get(), 10.0)
        return self.price_now()

    def price_now(self) -> tuple[Decimal, str]:
        found = find("openai", "gpt-4o")
        assert found is not None
        assert found.price is not None
        return Decimal(found.price.input or "0"), found.price.version


@pytest.fixture
async def router(server: NatsServer) -> AsyncIterator[Router]:
    connection, watching = await server.connect(), Router()
    await Watch(subjects.PRICES_BUCKET, subjects.PRICES_KEY, watching.apply).start(connection.jetstream())
    yield watching
    await (await connection.jetstream().key_value(subjects.PRICES_BUCKET)).delete(subjects.PRICES_KEY)
    await connection.close()
    prices.adopt(None)


@pytest.fixture
def job(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name in ("NATS_USER", "NATS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NATS_URL", server.url)

    async def run(*arguments: str) -> int:
        return await asyncio.to_thread(main, arguments)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], str]:
    def write(data: bytes) -> str:
        path = tmp_path / "data.json"
        path.write_bytes(data)
        return str(path)

    return write


async def test_a_list_from_a_file_is_in_force_at_once_and_can_be_taken_back(
    router: Router, job: Callable[..., Any], file: Callable[[bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert router.price_now()[1] == prices.VERSION
    assert await job("--file", file(costing(2.0)), "--date", "2026-11-20", "--dry-run") == 0
    assert "openai/gpt-4o input: 2.5 -> 2\n1 price of the catalog's models changes; " in capsys.readouterr().out
    assert await job("--file", file(costing(2.0)), "--date", "2026-11-20") == 0
    dollars, version = await router.price()
    assert (dollars, version[:23]) == (2, "genai-prices 2026-11-20")
    assert f"{version} is in force instead of {prices.VERSION}" in capsys.readouterr().out
    # What is compared with is what is in force, not what ships.
    assert await job("--file", file(costing(1.0)), "--date", "2026-11-21") == 0
    assert "openai/gpt-4o input: 2 -> 1\n" in capsys.readouterr().out
    assert (await router.price())[0] == 1
    assert await job("--revert") == 0
    assert await router.price() == (Decimal("2.5"), prices.VERSION)
    assert capsys.readouterr().out.startswith("back from genai-prices 2026-11-21 (")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (costing(0), "openai/gpt-4o input drops to zero: 2.5 -> 0"), (costing(26), "openai/gpt-4o input changes more than 10-fold: 2.5 -> 26"),
        (costing(2.5, without="mistral"), "the provider mistral is gone"),
    ],
    ids=["zero", "tenfold", "provider"],
)
async def test_what_looks_like_a_mistake_needs_force(
    router: Router, job: Callable[..., Any], file: Callable[[bytes], str], capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    assert await job("--file", file(data)) == 1
    assert said in capsys.readouterr().err
    assert router.price_now()[1] == prices.VERSION
    assert await job("--file", file(data), "--force") == 0
    assert (await router.price())[1] != prices.VERSION


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b'[{"id": "openai"}]', b"[1]", b'[{"id":"openai","name":"O","models":[{"id":"x"}]}]'])
async def test_what_is_no_price_list_is_refused_even_with_force(
    router: Router, job: Callable[..., Any], file: Callable[[bytes], str], capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    assert await job("--file", file(data), "--force") == 1
    assert "this is not a list as the genai-prices project publishes it" in capsys.readouterr().err
    assert router.price_now()[1] == prices.VERSION


@pytest.fixture
def address() -> Iterator[str]:
    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/data.json"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(costing(2.25) if found else b"no")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Publisher) as publisher:
        serving = threading.Thread(target=publisher.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield f"http://127.0.0.1:{publisher.server_port}"
        publisher.shutdown()
        serving.join()


async def test_a_list_is_fetched(router: Router, job: Callable[..., Any], address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await job("--url", f"{address}/gone.json") == 1
    assert "404" in capsys.readouterr().err
    assert await job("--url", f"{address}/data.json") == 0
    assert (await router.price())[0] == Decimal("2.25")


async def test_a_stored_list_that_is_broken_does_not_keep_a_new_one_out(
    server: NatsServer, router: Router, job: Callable[..., Any], file: Callable[[bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    connection = await server.connect()
    await (await connection.jetstream().key_value(subjects.PRICES_BUCKET)).put(subjects.PRICES_KEY, b"broken")
    await connection.close()
    assert await job("--file", file(costing(2.0))) == 0
    assert "the stored list is not usable" in capsys.readouterr().out
    assert (await router.price())[0] == 2
