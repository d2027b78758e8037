"""Learns from a workspace's feedback by hand: `python -m services.recorder.learn_cli main` shows what it says; `--apply` puts it in
force, `--drop` takes back what was."""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Iterator

import msgspec
import nats
from nats.aio.client import Client
from nats.errors import AuthorizationError, Error, NoServersError
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from libs.bus.query import QueryFailed, ask
from libs.bus.settings import load
from libs.contracts import subjects
from libs.contracts.policies import Learned, RoutingPolicy
from libs.contracts.queries import SqlQuery
from libs.routing.learn import LEAST_RATINGS
from services.recorder.learn import forget, learned_of, write
from services.recorder.settings import RecorderSettings

WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def main() -> int:
    """Exit status 0, or 1 with the reason on stderr."""
    options = _options().parse_args()
    if not WORKSPACE.fullmatch(options.workspace):
        print("error: a workspace's name has letters, digits, underscores and hyphens", file=sys.stderr)
        return 1
    settings = load(RecorderSettings)
    try:
        asyncio.run(_run(settings, options))
    except (QueryFailed, Error, OSError, TimeoutError) as error:
        print(f"error: {_reason(error)}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="learn", description="What a workspace's feedback says of models' quality.")
    parser.add_argument("workspace")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="put it in force, for a workspace whose policy has learning on")
    what.add_argument("--drop", action="store_true", help="remove what was learned")
    return parser


async def _run(settings: RecorderSettings, options: argparse.Namespace) -> None:
    login = {"user": settings.nats_user, "password": settings.nats_password} if settings.nats_user else {}
    connection = await nats.connect(
        [url.strip() for url in settings.nats_url.split(",")], name="learn", inbox_prefix=b"_INBOX_operator", connect_timeout=2,
        allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0, error_cb=_ignore, **login,
    )
    try:
        bucket = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)
        if options.drop:
            await forget(bucket, options.workspace)
            print(f"Removed what was learned for {options.workspace}; the catalog's figures count again.")
        else:
            await _learn(connection, bucket, options.workspace, settings.query_seconds + 15, apply=options.apply)
    finally:
        await connection.close()


async def _learn(connection: Client, bucket: KeyValue, workspace: str, patience: float, *, apply: bool) -> None:
    async def asked(query: SqlQuery) -> bytes:
        return b"".join([piece async for piece in ask(connection, query, timeout=patience)])

    print(f"Asking the ledger what was said of {workspace}'s answers …", flush=True)
    learned = await learned_of(asked, workspace, time.time())
    print(*table(learned), sep="\n")
    if apply:
        await write(bucket, workspace, learned)
    on = await _is_on(bucket, workspace)
    if not on:
        print('The workspace\'s policy has learning off, so none of this counts: PATCH /v1/routing/policy with "learning": true changes that.')
    print("In force." if apply and on else "Written." if apply else "Nothing was changed; APPLY=1 puts it in force.")


def table(learned: Learned) -> Iterator[str]:
    """What was learned, as people read it."""
    answers = "1 rated answer" if learned.ratings == 1 else f"{learned.ratings:,} rated answers"
    yield f"{answers} since {learned.since[:10]}."
    if not learned.models:
        yield f"No model has {LEAST_RATINGS:g} ratings in a family of tasks yet: the catalog's figures stay."
        return
    yield f"{'model':40} {'family':10} {'prior':>7} {'posterior':>9} {'change':>7} {'ratings':>8}"
    for model, families in learned.models.items():
        for family, found in families.items():
            change = f"{found.posterior - found.prior:+.3f}"
            yield f"{model:40} {family:10} {found.prior:7.3f} {found.posterior:9.3f} {change:>7} {found.ratings:8,}"


async def _is_on(bucket: KeyValue, workspace: str) -> bool:
    try:
        entry = await bucket.get(f"policy.{workspace}")
    except KeyNotFoundError:
        return False
    return msgspec.json.decode(entry.value or b"{}", type=RoutingPolicy).learning


def _reason(error: Exception) -> str:
    match error:
        case AuthorizationError():
            return "NATS refuses NATS_USER and NATS_PASSWORD"
        case NoServersError() | OSError() | TimeoutError():
            return "nothing answers on NATS_URL: start the router"
    return str(error) or type(error).__name__


async def _ignore(_: Exception) -> None:
    """Failures reach the caller as exceptions."""


if __name__ == "__main__":
    sys.exit(main())
