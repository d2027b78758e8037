"""The guard on real sockets: what is refused is never even dialled."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.provider_worker.connections import transport
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.egress import Guard
from services.provider_worker.exchange import Exchange, Timeouts, send
from tests.raw_server import RawServer, http

Ask = Callable[[Guard, str], Any]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Sends one request to a URL under a guard, on a transport of its own."""
    async with contextlib.AsyncExitStack() as stack:
        async def asked(guard: Guard, url: str) -> Exchange:
            made = transport(guard)
            stack.push_async_callback(made.aclose)
            exchange = await send(made, url, httpx.Headers(), b"{}", Timeouts(connect=5.0, read=5.0))
            stack.push_async_callback(exchange.close)
            return exchange
        yield asked


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as made:
        yield made


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> "Resolver":
    fake = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", fake.getaddrinfo)
    return fake


class Resolver:
    """Answers from `answers`, a list for each name: one entry a question, the last one again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo

    def getaddrinfo(self, host: str, port: int, *rest: Any, **options: Any) -> Any:
        if host not in self.answers:
            return self._real(host, port, *rest, **options)
        self.asked.append(host)
        left = self.answers[host]
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


async def refused(asked: Any, host: str) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        await asked
    failure = caught.value
    assert (failure.code, failure.fallback, failure.billing) == ("upstream_unavailable", True, "none")
    assert repr(host) in failure.message
    assert "TOKENROUTER_EGRESS_ALLOW" in failure.message
    return failure


async def answered(asked: Any, server: RawServer) -> bytes:
    exchange, _ = await asyncio.wait_for(asyncio.gather(asked, server.answer(http(b"hello"))), 10)
    return await exchange.body(100)  # type: ignore[no-any-return]


async def test_a_private_address_in_a_url_is_refused(ask: Ask, server: RawServer) -> None:
    await refused(ask(Guard(), server.url), "127.0.0.1")
    assert server.untouched


async def test_a_private_address_that_was_named_is_dialled(ask: Ask, server: RawServer) -> None:
    assert await answered(ask(Guard().naming([server.url]), server.url), server) == b"hello"


async def test_a_name_with_a_private_address_is_refused(ask: Ask, server: RawServer, resolver: Resolver) -> None:
    resolver.answers["llm.corp.example"] = [["127.0.0.1"]]
    url = f"http://llm.corp.example:{server.port}/"
    await refused(ask(Guard().naming([url]), url), "llm.corp.example")
    assert server.untouched


async def test_a_name_on_the_list_is_dialled(ask: Ask, server: RawServer, resolver: Resolver) -> None:
    resolver.answers["llm.corp.example"] = [["127.0.0.1"]]
    assert await answered(ask(Guard.of("*.corp.example"), f"http://llm.corp.example:{server.port}/"), server) == b"hello"


async def test_a_compose_service_is_dialled(ask: Ask, server: RawServer, resolver: Resolver) -> None:
    resolver.answers["vllm"] = [["127.0.0.1"]]
    url = f"http://vllm:{server.port}/v1"
    assert await answered(ask(Guard().naming([url]), url), server) == b"hello"


@pytest.mark.parametrize("host", [
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "localhost.",
    "LOCALHOST", "127\u30020.0.1", "\uff11\uff12\uff17.0.0.1", "user:secret@127.0.0.1", "api.openai.com@127.0.0.1", "0.0.0.0", "0", "[::1]", "[::]",
    "[::1%25lo]", "[fe80::1%25lo]", "127.0.0.1%23.example",
])
async def test_no_way_to_write_this_host_slips_through(ask: Ask, server: RawServer, host: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        await ask(Guard(), f"http://{host}:{server.port}/")
    assert (caught.value.code, caught.value.billing) == ("upstream_unavailable", "none")
    assert server.untouched


async def test_a_disguised_address_is_refused_even_as_a_base_url(ask: Ask, server: RawServer) -> None:
    for host in ("2130706433", "0x7f000001", "0x7f.1"):
        url = f"http://{host}:{server.port}/"
        with pytest.raises(ProviderFailure):
            await ask(Guard().naming([url]), url)
    assert server.untouched


async def test_a_name_that_changes_its_address_gains_nothing(ask: Ask, server: RawServer, resolver: Resolver) -> None:
    """DNS rebinding: a harmless answer for the check, another one for the connection. There is only one answer."""
    with RawServer("127.0.0.2", server.port) as allowed:
        resolver.answers["rebound.example"] = [["127.0.0.2"], ["127.0.0.1"]]
        guard, url = Guard.of("127.0.0.2"), f"http://rebound.example:{server.port}/"
        assert await answered(ask(guard, url), allowed) == b"hello"
        assert resolver.asked == ["rebound.example"]
        await refused(ask(guard, url), "rebound.example")
        assert resolver.asked == ["rebound.example"] * 2
    assert server.untouched


async def test_of_several_addresses_only_the_permitted_are_dialled(ask: Ask, server: RawServer, resolver: Resolver) -> None:
    with RawServer("127.0.0.2", server.port) as allowed:
        resolver.answers["mixed.example"] = [["127.0.0.1", "127.0.0.2"]]
        assert await answered(ask(Guard.of("127.0.0.2"), f"http://mixed.example:{server.port}/"), allowed) == b"hello"
    assert server.untouched


async def test_several_private_addresses_are_refused_in_the_same_words(ask: Ask, server: RawServer, resolver: Resolver) -> None:
    resolver.answers["one.example"], resolver.answers["two.example"] = [["127.0.0.1"]], [["127.0.0.1", "169.254.169.254", "10.0.0.1"]]
    messages = [(await refused(ask(Guard(), f"http://{name}:{server.port}/"), name)).message for name in ("one.example", "two.example")]
    assert messages[0].replace("one", "two") == messages[1]
    assert "127.0.0.1" not in messages[0]


async def test_metadata_is_refused_though_its_name_is_allowed(ask: Ask, resolver: Resolver) -> None:
    resolver.answers["metadata.google.internal"] = resolver.answers["metadata"] = [["169.254.169.254"]]
    guard = Guard.of("metadata.google.internal").naming(["http://metadata/", "http://169.254.169.254/"])
    for host in ("metadata.google.internal", "metadata", "169.254.169.254"):
        await refused(ask(guard, f"http://{host}/latest/"), host)


async def test_the_resolvers_cache_is_no_way_around(server: RawServer, resolver: Resolver) -> None:
    resolver.answers["llm.corp.example"] = [["127.0.0.1"]]
    made = transport(Guard())
    try:
        for _ in range(2):
            url = f"http://llm.corp.example:{server.port}/"
            await refused(send(made, url, httpx.Headers(), b"{}", Timeouts(connect=5.0, read=5.0)), "llm.corp.example")
    finally:
        await made.aclose()
    assert resolver.asked == ["llm.corp.example"]
    assert server.untouched


async def test_tls_certificates_are_verified(ask: Ask, tmp_path: Path) -> None:
    requests = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(1))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=_self_signed(tmp_path))
    url = f"https://localhost:{listening.sockets[0].getsockname()[1]}/"
    with pytest.raises(ProviderFailure) as caught:
        await ask(Guard().naming([url]), url)
    listening.close()
    assert (caught.value.code, caught.value.billing) == ("upstream_unavailable", "none")
    assert requests in ([], [b""])


def _self_signed(folder: Path) -> ssl.SSLContext:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
