"""deploy/nats.conf on the real server: each service's user can do its own work and none of another's."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import api
from nats.js.errors import APIError

from libs.bus.buckets import values_of
from libs.bus.claims import INLINE_LIMIT, Claims
from libs.bus.codec import encode
from libs.bus.query import ask
from libs.bus.watch import Watch
from libs.contracts import subjects
from libs.contracts.ledger import LedgerBatch
from libs.contracts.policies import Learned
from libs.contracts.queries import SqlAnswer, SqlQuery
from libs.state.conversations import Conversations
from libs.state.store import Store, Value
from services.bootstrap import keys
from services.bootstrap.app import bootstrap
from services.bootstrap.settings import BootstrapSettings
from services.recorder.learn import forget, read, write
from services.supervisor import probe
from services.supervisor.environment import USERS, Nats
from services.supervisor.nats import embedded
from services.supervisor.settings import load

SERVICES = ("edge", "firewall", "rules", "router", "provider-worker", "recorder")
STAGES = ("firewall", "rules", "router", "provider-worker")

KEEPERS = ("edge", "provider-worker")
OF_STATE = (
    subjects.STATE_STREAM, subjects.IDEMPOTENCY_STREAM, subjects.BACKGROUND_STREAM, f"KV_{subjects.JOBS_BUCKET}",
    f"OBJ_{subjects.STATE_BODIES_BUCKET}",
)

# Subject → who may publish on it. Everybody else, the operator included, may not.
PUBLISHERS: dict[str, tuple[str, ...]] = {
    subjects.admitted("default"): ("edge",),
    subjects.cancelled("req_1"): ("edge",),
    subjects.screened("default"): ("firewall",),
    subjects.ruled("default"): ("rules",),
    subjects.routed("openai", "default"): ("router",),
    subjects.failed("openai", "default"): ("provider-worker",),
    subjects.delta("edge-1", "req_1"): STAGES,
    subjects.telemetry("w-1"): ("provider-worker",),
    subjects.QUERY_SQL: ("edge", "router", "operator"),
    subjects.HEALTH_ASKED: ("edge", "router", "operator"),
    subjects.ledger_dead("edge"): ("recorder",),
    **{subjects.health(service, "x-1"): (service,) for service in SERVICES},
    **{subjects.ledger(service): (service,) for service in SERVICES if service != "recorder"},
    f"$KV.{subjects.POLICIES_BUCKET}.routing.default": ("edge",),
    f"$KV.{subjects.POLICIES_BUCKET}.policy.default": ("edge",),
    f"$KV.{subjects.POLICIES_BUCKET}.learned.default": ("edge", "recorder", "operator"),
    f"$KV.{subjects.KEYS_BUCKET}.{'0' * 64}": ("bootstrap",),
    f"$KV.{subjects.VAULT_BUCKET}.worker_public_key": ("bootstrap",),
    f"$O.{subjects.CLAIMS_BUCKET}.C.x": ("edge", "firewall", "provider-worker"),
    subjects.background("default", "req_1"): ("edge", *STAGES),
    subjects.stopped("req_1"): ("edge",),
    subjects.stored_response("default", "resp_1"): KEEPERS,
    subjects.conversation("default", "conv_1"): KEEPERS,
    subjects.turn("default", "conv_1", 0): KEEPERS,
    subjects.idempotency("default", "0" * 64): ("edge",),
    f"$KV.{subjects.JOBS_BUCKET}.req_1": ("edge",),
    f"$O.{subjects.STATE_BODIES_BUCKET}.C.x": KEEPERS,
    f"$JS.API.STREAM.MSG.GET.{subjects.STATE_STREAM}": KEEPERS,
    f"$JS.API.STREAM.MSG.DELETE.{subjects.STATE_STREAM}": KEEPERS,
    f"$JS.API.DIRECT.GET.{subjects.STATE_STREAM}": ("edge",),
    f"$JS.API.STREAM.INFO.{subjects.STATE_STREAM}": ("bootstrap", "edge"),
    f"$JS.API.STREAM.MSG.GET.{subjects.IDEMPOTENCY_STREAM}": ("edge",),
    f"$JS.API.STREAM.MSG.DELETE.{subjects.IDEMPOTENCY_STREAM}": ("edge",),
    f"$JS.API.DIRECT.GET.{subjects.BACKGROUND_STREAM}": ("edge",),
    f"$JS.API.STREAM.PURGE.{subjects.BACKGROUND_STREAM}": ("edge",),
    f"$JS.API.STREAM.MSG.GET.OBJ_{subjects.STATE_BODIES_BUCKET}": KEEPERS,
    f"$JS.API.STREAM.PURGE.OBJ_{subjects.STATE_BODIES_BUCKET}": KEEPERS,
    f"$JS.API.STREAM.MSG.GET.KV_{subjects.JOBS_BUCKET}": ("edge",),
    f"$JS.API.CONSUMER.CREATE.KV_{subjects.JOBS_BUCKET}": ("edge",),
    **{f"$JS.API.STREAM.UPDATE.{stream}": ("bootstrap",) for stream in OF_STATE},
    **{f"$JS.API.STREAM.DELETE.{stream}": () for stream in OF_STATE},
    f"$JS.API.STREAM.PURGE.{subjects.STATE_STREAM}": (),
    f"$JS.API.STREAM.PURGE.{subjects.IDEMPOTENCY_STREAM}": (),
    f"$JS.API.CONSUMER.CREATE.{subjects.STATE_STREAM}": (),
    f"$JS.API.STREAM.DELETE.{subjects.LEDGER_STREAM}": (),
    f"$JS.API.STREAM.PURGE.{subjects.LEDGER_STREAM}": (),
    f"$JS.API.STREAM.MSG.DELETE.{subjects.LEDGER_STREAM}": (),
    f"$JS.API.STREAM.UPDATE.{subjects.LEDGER_STREAM}": ("bootstrap",),
    f"$JS.API.CONSUMER.CREATE.{subjects.LEDGER_STREAM}.recorder": ("recorder",),
    f"$KV.{subjects.PRICES_BUCKET}.{subjects.PRICES_KEY}": ("bootstrap", "operator"),
    f"$JS.API.CONSUMER.CREATE.KV_{subjects.POLICIES_BUCKET}": ("edge", "firewall", "rules", "router", "provider-worker"),
    f"$JS.API.CONSUMER.CREATE.KV_{subjects.PRICES_BUCKET}": ("edge", "router"),
    f"$JS.API.CONSUMER.CREATE.KV_{subjects.KEYS_BUCKET}": ("bootstrap", "edge"),
    f"$JS.API.CONSUMER.CREATE.KV_{subjects.VAULT_BUCKET}": ("edge",),
    f"$JS.API.DIRECT.GET.KV_{subjects.KEYS_BUCKET}.x": ("bootstrap",),
    f"$JS.API.DIRECT.GET.KV_{subjects.VAULT_BUCKET}.x": ("bootstrap",),
    f"$JS.API.STREAM.MSG.GET.KV_{subjects.KEYS_BUCKET}": ("bootstrap", "edge"),
    f"$JS.API.STREAM.MSG.GET.KV_{subjects.VAULT_BUCKET}": ("bootstrap", "edge"),
    f"$JS.API.STREAM.MSG.GET.KV_{subjects.POLICIES_BUCKET}": (
        "edge", "firewall", "rules", "router", "provider-worker", "recorder", "operator",
    ),
    f"$JS.API.STREAM.MSG.GET.KV_{subjects.PRICES_BUCKET}": ("bootstrap", "edge", "router", "operator"),
    "_INBOX_edge.x": (),
    "tokenrouter.v1.anything.else": (),
}

# Subject and queue group → who may subscribe.
SUBSCRIBERS: dict[tuple[str, str], tuple[str, ...]] = {
    (subjects.ADMITTED, "firewall"): ("firewall",),
    (subjects.ADMITTED, ""): (),
    (subjects.SCREENED, "rules"): ("rules",),
    (subjects.SCREENED, ""): (),
    (subjects.RULED, "router"): ("router",),
    (subjects.FAILED, "router"): ("router",),
    (subjects.FAILED, ""): (),
    (subjects.routed("openai", "*"), "worker-openai"): ("provider-worker",),
    (subjects.routed("openai", "*"), ""): (),
    (subjects.CANCELLED, ""): ("provider-worker",),
    (subjects.delta("*", "*"), ""): ("edge",),
    (f"{subjects.ROOT}.delta.>", ""): (),
    (subjects.BACKGROUND, ""): ("edge",),
    (subjects.STOPPED, ""): ("edge",),
    (subjects.STATE, ""): (),
    (subjects.IDEMPOTENCY, ""): (),
    (f"$KV.{subjects.JOBS_BUCKET}.>", ""): (),
    (subjects.HEALTH, ""): ("edge", "router", "provider-worker", "operator"),
    (subjects.HEALTH_ASKED, ""): SERVICES,
    (subjects.TELEMETRY, ""): ("router",),
    (subjects.LEDGER, ""): (),
    (subjects.QUERY_SQL, "recorder"): ("recorder",),
    (f"$KV.{subjects.KEYS_BUCKET}.>", ""): (),
    (f"{subjects.ROOT}.>", ""): (),
    (">", ""): (),
    **{(f"_INBOX_{user}.>", ""): (user,) for user in USERS},
}


class Guest:
    """A user's connection, and what the server has forbidden it."""

    def __init__(self) -> None:
        self.connection = Client()
        self.forbidden: list[str] = []

    async def note(self, error: Exception) -> None:
        self.forbidden.append(str(error).lower())

    async def refused(self) -> bool:
        """Whether the last thing was forbidden; the server answers in order."""
        # nats-py writes the first ping past what waits in its buffer; the second one comes behind it.
        await self.connection.flush()
        await self.connection.flush()
        refused, self.forbidden = any("permissions violation" in text for text in self.forbidden), []
        return refused


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """The embedded server as the supervisor starts it, and bootstrap run on it."""
    home = tmp_path_factory.mktemp("home")
    settings = load({"TOKENROUTER_HOME": str(home)}, dotenv_path=home / "absent")
    program, nats_ = embedded(settings)
    with (home / "nats.log").open("wb") as log, subprocess.Popen(program.argv, env=dict(program.environ), stderr=log) as process:
        try:
            asyncio.run(_until_it_greets(nats_))
            user = nats_.credentials("bootstrap", {})
            wanted = BootstrapSettings(
                home=str(home), nats_url=nats_.url, nats_user=user["NATS_USER"], nats_password=user["NATS_PASSWORD"], instance="b-1",
            )
            # Twice, as after a restart: everything has to fit into the server's limits when it is declared again.
            asyncio.run(bootstrap(wanted))
            asyncio.run(bootstrap(wanted))
            yield nats_
        finally:
            process.terminate()


async def _until_it_greets(nats_: Nats) -> None:
    port = int(nats_.url.rpartition(":")[2])
    async with asyncio.timeout(10.0):
        while not await probe.speaks_nats("127.0.0.1", port):
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def connected(server: Nats, user: str, inbox: str = "") -> AsyncIterator[Guest]:
    guest = Guest()
    await guest.connection.connect(
        server.url, user=user, password=server.passwords[user], inbox_prefix=(inbox or f"_INBOX_{user}").encode(),
        allow_reconnect=False, error_cb=guest.note,
    )
    try:
        yield guest
    finally:
        await guest.connection.close()


@pytest.mark.parametrize("user", USERS)
async def test_publishes_only_what_is_its_own_to_say(server: Nats, user: str) -> None:
    async with connected(server, user) as guest:
        may = []
        for subject in PUBLISHERS:
            # No payload that JetStream would act on: the API answers an error, to nobody.
            await guest.connection.publish(subject, b"-", headers={"Nats-Expected-Stream": "none"})
            if not await guest.refused():
                may.append(subject)
    assert may == [subject for subject, users in PUBLISHERS.items() if user in users]


@pytest.mark.parametrize("user", USERS)
async def test_listens_only_to_what_is_meant_for_it(server: Nats, user: str) -> None:
    async with connected(server, user) as guest:
        may = []
        for subject, queue in SUBSCRIBERS:
            await guest.connection.subscribe(subject, queue=queue)
            if not await guest.refused():
                may.append((subject, queue))
    assert may == [key for key, users in SUBSCRIBERS.items() if user in users]


async def test_nobody_gets_in_without_a_user_or_with_another_users_password(server: Nats) -> None:
    for credentials in ({}, {"user": "edge", "password": server.passwords["rules"]}, {"user": "root", "password": "fake"}):
        guest = Guest()
        with pytest.raises(NatsError, match="Authorization Violation"):
            await guest.connection.connect(server.url, allow_reconnect=False, error_cb=guest.note, **credentials)
        await guest.connection.close()


async def test_bootstrap_with_a_wrong_password_says_which_setting_to_check(server: Nats, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="NATS_PASSWORD"):
        await bootstrap(BootstrapSettings(
            home=str(tmp_path), nats_url=server.url, nats_user="bootstrap", nats_password="fake", instance="b-1", nats_wait=5.0,
        ))


@pytest.mark.parametrize(("user", "bucket"), [
    ("edge", subjects.POLICIES_BUCKET), ("firewall", subjects.POLICIES_BUCKET), ("rules", subjects.POLICIES_BUCKET),
    ("router", subjects.POLICIES_BUCKET), ("edge", subjects.PRICES_BUCKET), ("router", subjects.PRICES_BUCKET),
    ("edge", subjects.KEYS_BUCKET), ("edge", subjects.VAULT_BUCKET),
])
async def test_follows_the_bucket_it_serves_from(server: Nats, user: str, bucket: str) -> None:
    seen: dict[str, bytes | None] = {}
    async with connected(server, user) as guest:
        watch = Watch(bucket, ">", lambda key, value, _: seen.update({key: value}))
        async with asyncio.timeout(5.0):
            await watch.start(guest.connection.jetstream())
        assert not await guest.refused()
    assert seen or bucket in (subjects.POLICIES_BUCKET, subjects.PRICES_BUCKET)


async def test_the_edge_changes_rules_by_compare_and_set_and_the_stages_see_it(server: Nats) -> None:
    seen: asyncio.Queue[tuple[str, bytes | None]] = asyncio.Queue()
    async with connected(server, "edge") as edge, connected(server, "rules") as rules:
        await Watch(subjects.POLICIES_BUCKET, "routing.*", lambda key, value, _: seen.put_nowait((key, value))).start(
            rules.connection.jetstream()
        )
        bucket = await edge.connection.jetstream().key_value(subjects.POLICIES_BUCKET)
        revision = await bucket.create("routing.default", b"1")
        await bucket.update("routing.default", b"2", last=revision)
        async with asyncio.timeout(5.0):
            assert [await seen.get(), await seen.get()] == [("routing.default", b"1"), ("routing.default", b"2")]
        assert (await bucket.get("routing.default")).value == b"2"
        await bucket.delete("routing.default")


@pytest.mark.parametrize("owner", ["edge", "firewall", "provider-worker"])
@pytest.mark.parametrize("reader", ["edge", "firewall", "rules", "provider-worker"])
async def test_large_bodies_travel_by_claim_check(server: Nats, owner: str, reader: str) -> None:
    data = b"x" * (INLINE_LIMIT + 1)
    async with connected(server, owner) as writing, connected(server, reader) as reading:
        body = await Claims(writing.connection.jetstream()).stow(data)
        assert body.claim
        assert await Claims(reading.connection.jetstream()).fetch(body) == data
        await Claims(writing.connection.jetstream()).discard(body)
        assert not await writing.refused()
        assert not await reading.refused()


@pytest.mark.parametrize("writer", KEEPERS)
@pytest.mark.parametrize("reader", KEEPERS)
@pytest.mark.parametrize("size", [10, INLINE_LIMIT + 1], ids=["inline", "in the object store"])
async def test_state_is_written_changed_read_and_removed_by_those_who_keep_it(server: Nats, writer: str, reader: str, size: int) -> None:
    async with connected(server, writer) as writing, connected(server, reader) as reading:
        mine, other = (
            Store(guest.connection, guest.connection.jetstream(), subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)
            for guest in (writing, reading)
        )
        subject = subjects.stored_response("default", "resp_1")
        revision = await mine.put(subject, b"a" * size, expect=0, ttl=60)
        revision = await mine.put(subject, b"b" * size, expect=revision)
        assert await other.get(subject) == Value(b"b" * size, revision)
        assert await other.delete(subject)
        assert await mine.get(subject) is None
        assert not await writing.refused()
        assert not await reading.refused()


async def test_a_worker_adds_to_the_conversation_that_an_edge_made(server: Nats) -> None:
    async with connected(server, "edge") as edge, connected(server, "provider-worker") as worker:
        mine, other = (
            Conversations(Store(guest.connection, guest.connection.jetstream(), subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET))
            for guest in (edge, worker)
        )
        made = await mine.create("default", {}, [{"type": "message", "id": "msg_1"}])
        assert await other.append("default", made.id, [{"type": "message", "id": "msg_2"}])
        head = await mine.get("default", made.id)
        assert head is not None
        assert [item["id"] for item in await mine.items("default", head)] == ["msg_1", "msg_2"]
        assert await mine.delete("default", made.id)
        assert not await edge.refused()
        assert not await worker.refused()


async def test_an_edge_keeps_idempotency_keys_jobs_and_logs(server: Nats) -> None:
    async with connected(server, "edge") as edge:
        js = edge.connection.jetstream()
        keys_ = Store(edge.connection, js, subjects.IDEMPOTENCY_STREAM, subjects.STATE_BODIES_BUCKET)
        subject = subjects.idempotency("default", "0" * 64)
        await keys_.put(subject, b"b", expect=await keys_.put(subject, b"a", expect=0))
        assert await keys_.delete(subject)
        jobs = await js.key_value(subjects.JOBS_BUCKET)
        await jobs.update("req_1", b"2", last=await jobs.create("req_1", b"1"))
        seen: dict[str, bytes | None] = {}
        async with asyncio.timeout(5.0):
            await Watch(subjects.JOBS_BUCKET, ">", lambda key, value, _: seen.update({key: value})).start(js)
        assert seen == {"req_1": b"2"}
        await jobs.delete("req_1")
        await js.publish(subjects.background("default", "req_1"), b"delta")
        await js.purge_stream(subjects.BACKGROUND_STREAM, subject=subjects.background("default", "req_1"))
        assert not await edge.refused()


@pytest.mark.parametrize("user", ["operator", "bootstrap"])
async def test_prices_that_an_operator_stores_reach_the_router(server: Nats, user: str) -> None:
    async with connected(server, user) as writer, connected(server, "router") as router:
        seen: asyncio.Queue[bytes | None] = asyncio.Queue()
        watch = Watch(subjects.PRICES_BUCKET, subjects.PRICES_KEY, lambda key, value, _: seen.put_nowait(value))
        await watch.start(router.connection.jetstream())
        bucket = await writer.connection.jetstream().key_value(subjects.PRICES_BUCKET)
        async with asyncio.timeout(5.0):
            await bucket.put(subjects.PRICES_KEY, b"1")
            assert (await bucket.get(subjects.PRICES_KEY)).value == b"1"
            # Before that there may be what another test has left.
            while await seen.get() != b"1":
                pass
            await bucket.delete(subjects.PRICES_KEY)
            assert await seen.get() is None
        assert not await writer.refused()


async def test_the_router_can_read_no_secrets(server: Nats) -> None:
    async with connected(server, "router") as router:
        js = router.connection.jetstream(timeout=0.5)
        for bucket in (subjects.KEYS_BUCKET, subjects.VAULT_BUCKET):
            with pytest.raises(TimeoutError):
                await js.key_value(bucket)
            assert await router.refused()


@pytest.mark.parametrize("user", [service for service in SERVICES if service != "recorder"])
async def test_what_a_service_writes_in_the_ledger_the_recorder_takes(server: Nats, user: str) -> None:
    async with connected(server, user) as writer, connected(server, "recorder") as recorder:
        await writer.connection.jetstream().publish(subjects.ledger(user), encode(LedgerBatch(rows=[])))
        js = recorder.connection.jetstream()
        await js.add_consumer(subjects.LEDGER_STREAM, api.ConsumerConfig(
            durable_name="recorder", ack_policy=api.AckPolicy.EXPLICIT, max_ack_pending=100,
        ))
        subscription = await js.pull_subscribe_bind("recorder", subjects.LEDGER_STREAM)
        taken = await subscription.fetch(1, timeout=5.0)
        assert taken[0].subject == subjects.ledger(user)
        await taken[0].ack_sync()
        await js.publish(subjects.ledger_dead(user), b"row")
        assert not await recorder.refused()


@pytest.mark.parametrize("user", ["recorder", "operator"])
async def test_what_was_learned_is_written_and_removed_and_the_edge_sees_it(server: Nats, user: str) -> None:
    learned = Learned(at="2026-11-24T00:00:00Z", since="2025-11-29T00:00:00Z", ratings=1, models={})
    async with connected(server, "edge") as edge, connected(server, user) as writer:
        shown = await edge.connection.jetstream().key_value(subjects.POLICIES_BUCKET)
        await shown.put("policy.other", b"{}")
        js = writer.connection.jetstream()
        assert "policy.other" in await values_of(js, subjects.POLICIES_BUCKET, "policy.*")
        bucket = await js.key_value(subjects.POLICIES_BUCKET)
        assert await write(bucket, "other", learned)
        assert not await write(bucket, "other", learned)
        assert await read(shown, "other") == learned
        await forget(bucket, "other")
        assert await read(shown, "other") is None
        assert not await writer.refused()


@pytest.mark.parametrize(("user", "inbox"), [("operator", "_INBOX_sql"), ("operator", ""), ("edge", ""), ("router", "")])
async def test_the_recorder_answers_whoever_asks_in_pieces(server: Nats, user: str, inbox: str) -> None:
    async with connected(server, "recorder") as recorder, connected(server, user, inbox) as asking:
        subscription = await recorder.connection.subscribe(subjects.QUERY_SQL, queue="recorder")
        assert not await recorder.refused()

        async def answer() -> None:
            asked = await subscription.next_msg(5.0)
            for seq in range(3):
                await recorder.connection.publish(asked.reply, encode(SqlAnswer(seq=seq, last=seq == 2, data=b"row\n")))

        answering = asyncio.create_task(answer())
        pieces = [piece async for piece in ask(asking.connection, SqlQuery(sql="SELECT 1"), timeout=5.0)]
        await answering
        assert pieces == [b"row\n"] * 3


async def test_an_api_key_is_stored_only_as_its_hash(server: Nats) -> None:
    async with connected(server, "edge") as edge:
        stored = list(await values_of(edge.connection.jetstream(), subjects.KEYS_BUCKET))
    assert len(stored) == 1
    assert len(stored[0]) == len(keys.digest("tr_fake"))


async def test_a_user_cannot_declare_or_remove_streams(server: Nats) -> None:
    for user in SERVICES:
        async with connected(server, user) as guest:
            with pytest.raises((TimeoutError, APIError)):
                await guest.connection.jetstream(timeout=0.2).delete_stream(subjects.LEDGER_STREAM)
            assert await guest.refused()


def test_the_password_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load({"TOKENROUTER_HOME": str(tmp_path)}, dotenv_path=tmp_path / "absent")
    first, again = embedded(settings), embedded(settings)
    assert (tmp_path / "nats" / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert first[1] == again[1]
    assert not any(password in part for part in first[0].argv for password in first[1].passwords.values())
