"""Bootstrap on a real NATS server: what it makes, and that making it again changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.bus.buckets import values_of
from libs.contracts import subjects
from libs.contracts.policies import ApiKey
from libs.vault import seal
from services.bootstrap import keys
from services.bootstrap.app import bootstrap
from services.bootstrap.settings import BootstrapSettings
from tests.nats_server import NatsServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


async def run(server: NatsServer, home: Path, **settings: Any) -> None:
    await bootstrap(BootstrapSettings(home=str(home), nats_url=server.url, instance="bootstrap-1", **settings))


async def stored(server: NatsServer, bucket: str) -> dict[str, bytes]:
    connection = await server.connect()
    try:
        return {key: entry.value or b"" for key, entry in (await values_of(connection.jetstream(), bucket)).items()}
    finally:
        await connection.close()


async def test_a_second_run_changes_nothing(server: NatsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run(server, tmp_path)
    shown = capsys.readouterr().out
    first = [await stored(server, bucket) for bucket in (subjects.KEYS_BUCKET, subjects.VAULT_BUCKET)]
    await run(server, tmp_path)
    assert [await stored(server, bucket) for bucket in (subjects.KEYS_BUCKET, subjects.VAULT_BUCKET)] == first
    assert capsys.readouterr().out == ""
    secret = shown.split()[-1]
    key = msgspec.json.decode(first[0][keys.digest(secret)], type=ApiKey)
    assert (key.workspace, key.revoked, key.id.startswith("key_")) == ("default", False, True)


async def test_a_given_key_is_added_to_those_there_are(server: NatsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for secret in ("tr_fake_one", "tr_fake_two", "tr_fake_two"):
        await run(server, tmp_path, api_key=secret)
    assert set(await stored(server, subjects.KEYS_BUCKET)) == {keys.digest("tr_fake_one"), keys.digest("tr_fake_two")}
    assert capsys.readouterr().out == ""


async def test_the_public_half_opens_nothing_and_the_private_half_opens_all(server: NatsServer, tmp_path: Path) -> None:
    await run(server, tmp_path)
    path = tmp_path / "vault" / "worker.key"
    assert path.stat().st_mode & 0o777 == 0o600
    public = (await stored(server, subjects.VAULT_BUCKET))["worker_public_key"].decode()
    sealed = seal.seal("sk-fake", public, seal.context("default", "openai"))
    assert seal.unseal(sealed, path.read_text(), seal.context("default", "openai")) == "sk-fake"
    with pytest.raises(seal.CannotOpen):
        seal.unseal(sealed, public, seal.context("default", "openai"))


async def test_a_private_key_of_the_operators_replaces_the_public_one_and_touches_no_file(server: NatsServer, tmp_path: Path) -> None:
    await run(server, tmp_path / "a")
    own = seal.generate()
    await run(server, tmp_path / "b", vault_key=own)
    assert (await stored(server, subjects.VAULT_BUCKET))["worker_public_key"].decode() == seal.public_key(own)
    assert not (tmp_path / "b" / "vault").exists()


async def test_what_is_stored_lives_as_long_as_the_setting_says(server: NatsServer, tmp_path: Path) -> None:
    for days in (30.0, 0.5):
        await run(server, tmp_path, response_retention_days=days)
        ages = await max_ages(server)
        assert [ages[name] for name in ("STATE", "BACKGROUND", "OBJ_tokenrouter_state")] == [days * 86_400] * 3
        assert ages["IDEMPOTENCY"] == 86_400
        assert ages["LEDGER"] != days * 86_400


async def max_ages(server: NatsServer) -> dict[str, float]:
    """Stream → seconds."""
    connection = await server.connect()
    try:
        streams = await connection.jetstream().streams_info()
        return {stream.config.name or "": stream.config.max_age or 0 for stream in streams}
    finally:
        await connection.close()


@pytest.mark.parametrize("bad", ["fake", "Zm9v", "ключ"])
async def test_a_private_key_that_is_none_is_named_but_not_shown(server: NatsServer, tmp_path: Path, bad: str) -> None:
    with pytest.raises(SystemExit, match="TOKENROUTER_VAULT_KEY") as caught:
        await run(server, tmp_path, vault_key=bad)
    assert bad not in str(caught.value)


async def test_a_server_that_is_not_there_is_given_up_with_the_settings_name(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="NATS_URL"):
        await bootstrap(BootstrapSettings(home=str(tmp_path), nats_url="nats://127.0.0.1:9", instance="bootstrap-1", nats_wait=0.0))
