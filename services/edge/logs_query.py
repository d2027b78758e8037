"""What /v1/logs asks the ledger, and what it makes of the rows. Pure: parameters in, statements out; bytes in, entries out."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct, structs

from libs.contracts.errors import InvalidRequest
from libs.contracts.queries import SqlQuery
from libs.contracts.state import request_id_of, response_id_of

LIMIT, MOST = 50, 200
STATUSES = ("completed", "incomplete", "failed", "refused", "rejected", "cancelled")
_LONGEST = 512
"""Characters of a filter's value; no model's name is longer."""
_TIME = "DateTime64(6, 'UTC')"
# What the tables' column for time can hold, with a wide margin.
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_UNIX_SECONDS = re.compile(r"[0-9]{9,10}(\.[0-9]{1,6})?")
_CURSOR = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}) ([!-~]{1,100})")


class Page(Struct, frozen=True, kw_only=True):
    """Which entries are wanted."""

    limit: int = LIMIT
    conditions: list[str] = []
    """SQL over the columns of `requests`; values stand in `params` only."""
    params: dict[str, str] = {}


class Logged(Struct, frozen=True, kw_only=True):
    """A row of the view `requests`, as far as a list shows it. The names are the columns'."""

    request_id: str
    created_at: str
    """`YYYY-MM-DD hh:mm:ss.ffffff`, UTC."""
    endpoint: str
    model_requested: str
    model: str
    provider: str
    mode: str
    confidence: float
    status: str
    http_status: int
    error_code: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    latency_ms: float
    ttft_ms: float | None
    stream: bool
    background: bool
    sandbox: bool
    metadata: dict[str, str]
    warnings: str
    """JSON, as are both traces."""
    rule_trace: str
    firewall_trace: str
    attempts: int
    idempotency_key: str
    reason: str
    task_family: str
    chosen_for: str


class LoggedHop(Struct, frozen=True, kw_only=True):
    stage: str
    instance: str
    at: float
    took_ms: float


class LoggedWhole(Logged, frozen=True, kw_only=True):
    """The row with what is too long for a list."""

    candidates: str
    excluded: str
    expected_usd: float | None
    expected_s: float | None
    expected_quality: float | None
    reading: str
    """JSON, empty when the prompt was not read; the next is empty when the router decided nothing."""
    decision: str
    hops: list[LoggedHop]


class LoggedAttempt(Struct, frozen=True, kw_only=True):
    """A row of the view `attempts`."""

    dispatch: int
    attempt: int
    started_at: str
    provider: str
    account: str
    model: str
    status: str
    http_status: int
    error_code: str
    billing: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    latency_ms: float
    ttft_ms: float | None
    provider_request_id: str
    provider_response_id: str
    worker: str
    own_key: bool
    sandbox: bool
    adapted: list[str]


MAY_BE_EMPTY = (
    "model", "provider", "error_code", "idempotency_key", "provider_request_id", "provider_response_id", "reason", "task_family", "chosen_for",
)
_JSON = ("warnings", "rule_trace", "firewall_trace", "candidates", "excluded")
_JSON_OR_NULL = ("reading", "decision")


def page(given: Mapping[str, str]) -> Page:
    """The page that a query string asks for; an empty value is none. Raises InvalidRequest with `param`."""
    conditions: list[str] = []
    params: dict[str, str] = {}

    def add(condition: str, **values: str) -> None:
        conditions.append(condition)
        params.update(values)

    if request_id := given.get("request_id"):
        add("request_id = {request_id:String}", request_id=_request_id(request_id))
    if model := _text(given, "model"):
        add("(model = {model:String} OR model_requested = {model:String})", model=model)
    if provider := _text(given, "provider"):
        add("provider = {provider:String}", provider=provider)
    if status := given.get("status"):
        if status not in STATUSES:
            raise InvalidRequest(f"status must be one of {', '.join(STATUSES)}", param="status")
        add("status = {status:String}", status=status)
    if since := given.get("from"):
        add(f"created_at >= {{since:{_TIME}}}", since=_sql_time(since, "from"))
    if until := given.get("to"):
        add(f"created_at < {{until:{_TIME}}}", until=_sql_time(until, "to"))
    if after := given.get("after"):
        at, last = _read_cursor(after)
        # The tuple decides; the time alone is what the table's index can use.
        add(f"created_at <= {{at:{_TIME}}} AND (created_at, request_id) < ({{at:{_TIME}}}, {{last:String}})", at=at, last=last)
    return Page(limit=_limit(given.get("limit")), conditions=conditions, params=params)


def list_query(workspace: str, wanted: Page) -> SqlQuery:
    """One row more than the page has, to learn whether there is another. The inner query reads narrow columns only: what the outer
    one reads of the wide ones is then a page, and not the workspace."""
    where = " AND ".join(["workspace = {workspace:String}", *wanted.conditions])
    order = "ORDER BY created_at DESC, request_id DESC"
    keys = f"SELECT workspace, created_at, request_id FROM requests WHERE {where} {order} LIMIT {{rows:UInt32}}"
    sql = f"SELECT {_columns(Logged)} FROM requests WHERE (workspace, created_at, request_id) IN ({keys}) {order}"
    return _query(sql, wanted.params | {"workspace": workspace, "rows": str(wanted.limit + 1)})


def whole_query(workspace: str, request_id: str) -> SqlQuery:
    sql = f"SELECT {_columns(LoggedWhole)} FROM requests WHERE workspace = {{workspace:String}} AND request_id = {{request_id:String}} LIMIT 1"
    return _query(sql, {"workspace": workspace, "request_id": request_id})


def attempts_query(workspace: str, row: Logged) -> SqlQuery:
    key = f"workspace = {{workspace:String}} AND created_at = {{created_at:{_TIME}}} AND request_id = {{request_id:String}}"
    sql = f"SELECT {_columns(LoggedAttempt)} FROM attempts WHERE {key} ORDER BY dispatch, attempt"
    return _query(sql, {"workspace": workspace, "created_at": row.created_at, "request_id": row.request_id})


def began_query(workspace: str, request_id: str) -> SqlQuery:
    """One row when the request is there. Reads the table: for that it does not matter which of a request's rows counts."""
    where = "workspace = {workspace:String} AND request_id = {request_id:String}"
    sql = f"SELECT toUnixTimestamp64Micro(created_at) AS micros FROM requests_log WHERE {where} LIMIT 1"
    return _query(sql, {"workspace": workspace, "request_id": request_id})


def cursor(row: Logged) -> str:
    """What `after` takes to go on behind this row."""
    return urlsafe_b64encode(f"{row.created_at} {row.request_id}".encode()).decode().rstrip("=")


def entry(row: Logged) -> dict[str, Any]:
    """A row as clients see it: null where nothing is known, JSON as JSON."""
    return {"object": "log", "request_id": row.request_id, "response_id": response_id_of(row.request_id)} | _told(row)


def whole_entry(row: LoggedWhole, attempts: list[LoggedAttempt]) -> dict[str, Any]:
    hops = [structs.asdict(hop) | {"at": _iso(datetime.fromtimestamp(hop.at, UTC))} for hop in row.hops]
    return entry(row) | {"hops": hops, "attempt_rows": [_told(one) for one in attempts]}


def _told(row: Logged | LoggedAttempt) -> dict[str, Any]:
    told = structs.asdict(row)
    tokens = {name.removesuffix("_tokens"): told.pop(name) for name in list(told) if name.endswith("_tokens")}
    told |= {name: None for name in MAY_BE_EMPTY if told.get(name) == ""}
    told |= {name: msgspec.Raw((told[name] or "[]").encode()) for name in _JSON if name in told}
    told |= {name: msgspec.Raw((told[name] or "null").encode()) for name in _JSON_OR_NULL if name in told}
    told |= {name: told[name].replace(" ", "T") + "Z" for name in ("created_at", "started_at") if name in told}
    return told | {"tokens": tokens}


def _columns(row: type[Struct]) -> str:
    return ", ".join(row.__struct_fields__)


def _query(sql: str, params: dict[str, str]) -> SqlQuery:
    return SqlQuery(sql=sql, params=params, format="JSONEachRow")


def _limit(given: str | None) -> int:
    if not given:
        return LIMIT
    # int() also takes 1_0, and digits of any script.
    if not (given.isascii() and given.isdecimal() and len(given) < 10 and 1 <= int(given) <= MOST):
        raise InvalidRequest(f"limit must be a whole number from 1 to {MOST}", param="limit")
    return int(given)


def _text(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if len(value) > _LONGEST:
        raise InvalidRequest(f"{name} must have at most {_LONGEST} characters", param=name)
    return value


def _request_id(given: str) -> str:
    found = request_id_of(given)
    if found is None:
        raise InvalidRequest("request_id must be a request id, req_…, or a response id, resp_…", param="request_id")
    return found


def _sql_time(given: str, param: str) -> str:
    """A time as the ledger's columns have it."""
    try:
        at = datetime.fromtimestamp(float(given), UTC) if _UNIX_SECONDS.fullmatch(given) else datetime.fromisoformat(given)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{param} must be a time such as 2026-01-31T08:00:00Z, or Unix seconds", param=param) from None
    if not _EARLIEST <= at < _LATEST:
        raise InvalidRequest(f"{param} must lie between 1970 and 2200", param=param)
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read_cursor(given: str) -> tuple[str, str]:
    try:
        text = urlsafe_b64decode(given.encode() + b"=" * (-len(given) % 4)).decode()
    except ValueError:
        text = ""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidRequest("after must be the next_cursor of the page before", param="after")
    return _sql_time(found[1], "after"), found[2]
