"""The recorder on a real nats-server and the real embedded ClickHouse: what is published is what can be read."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from nats.aio.client import Client

from libs.bus.codec import decoder
from libs.bus.query import QueryFailed
from libs.contracts import subjects
from libs.contracts.ledger import LedgerRow
from libs.contracts.queries import SqlAnswer
from tests.recorder_process import RecorderProcess, attempt, delivery, eventually, publish, query, request

DOCUMENTED = (
    "request_id, created_at, workspace, api_key_id, endpoint, model_requested, model, provider, mode, status, http_status, "
    "error_code, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, latency_ms, ttft_ms, stream, metadata, "
)


async def test_every_view_shows_a_row(bus: Client) -> None:
    await publish(bus, request("req_a", "arrive"), attempt("req_a", 1, "arrive"), delivery("req_a", "arrive"))
    views = ("requests", "attempts", "deliveries", "decisions")
    counts = ", ".join(f"(SELECT count() FROM {view} WHERE workspace = 'arrive')" for view in views)
    await eventually(bus, f"SELECT {counts}", lambda result: result == "1\t1\t1\t2\n")


async def test_rows_tell_of_idempotency_keys_and_the_background(bus: Client) -> None:
    await publish(bus, request("req_key", "keys", idempotency_key="fake-key", background=True), request("req_none", "keys"))
    sql = "SELECT request_id, idempotency_key, background FROM requests WHERE workspace = 'keys' ORDER BY request_id"
    await eventually(bus, sql, lambda result: result == "req_key\tfake-key\ttrue\nreq_none\t\tfalse\n")


async def test_a_request_reads_as_it_was_written(bus: Client) -> None:
    await publish(bus, request("req_b", "columns", created_at=1_763_200_000.123456))
    await eventually(bus, "SELECT count() FROM requests WHERE workspace = 'columns'", lambda result: result == "1\n")
    row = json.loads(await query(bus, "SELECT * FROM requests WHERE workspace = 'columns'", format="JSONEachRow"))
    assert ", ".join(row).startswith(DOCUMENTED)
    assert row["created_at"] == "2025-11-15 09:46:40.123456"
    assert row["cost_usd"] == pytest.approx(0.0001250001, abs=1e-12)
    assert row["metadata"] == {"tenant": "acme"}
    assert json.loads(row["rule_trace"]) == [{"kind": "routing", "name": "long\nprompts"}]
    stages = await query(bus, "SELECT stage, instance, at, took_ms FROM decisions WHERE workspace = 'columns' ORDER BY at")
    assert stages == "edge\tedge-1\t2025-11-15 09:46:40.000000\t0.25\nrouter\trouter-1\t2025-11-15 09:46:40.500000\t1.5\n"


async def test_a_request_tells_what_its_decision_rested_on(bus: Client) -> None:
    told = {
        "task_family": "code", "difficulty": 0.25, "reason": "cheapest of the good", "chosen_for": "cache", "candidate": "openai/gpt-5-mini",
        "expected_usd": 0.000125, "expected_s": 1.5, "expected_quality": 0.75,
    }
    wide = {"reading": {"version": "1", "families": {"code": 0.75}}, "decision": {"weights": [0.4, 0.4, 0.2]}, "facts": {"tools": 2}}
    await publish(bus, request("req_told", "told", **told, **wide), request("req_untold", "untold"))
    await eventually(bus, "SELECT count() FROM requests WHERE workspace IN ('told', 'untold')", lambda result: result == "2\n")
    columns = ", ".join([*told, *wide])
    sql = f"SELECT {columns} FROM requests WHERE workspace IN ('told', 'untold') ORDER BY workspace"
    row, none = map(json.loads, (await query(bus, sql, format="JSONEachRow")).splitlines())
    assert {name: row[name] for name in told} == told
    assert {name: json.loads(row[name]) for name in wide} == wide
    assert list(none.values()) == ["", 0, "", "", "", None, None, None, "", "", ""]


async def test_an_unknown_cost_is_null_and_not_zero(bus: Client) -> None:
    await publish(bus, request("req_c", "costs", cost_usd=None, ttft_ms=None), request("req_d", "costs", cost_usd="0"))
    counts = "SELECT count(), count(cost_usd), count(ttft_ms) FROM requests WHERE workspace = 'costs'"
    await eventually(bus, counts, lambda result: result == "2\t1\t1\n")


async def test_a_repeated_row_counts_once(bus: Client) -> None:
    for _ in range(4):
        await publish(bus, *[attempt("req_e", number, "twice") for number in (1, 2)], request("req_e", "twice"))
        # In inserts of their own: ClickHouse folds rows that come in the same one before any view could.
        await _all_acknowledged(bus)
        assert await query(bus, "SELECT count() FROM requests WHERE workspace = 'twice'") == "1\n"
    assert await query(bus, "SELECT count(), sum(cost_usd) FROM attempts WHERE workspace = 'twice'") == "2\t0.0002500002\n"


@pytest.mark.parametrize("ranks", [(1, 2), (2, 1)])
async def test_the_highest_rank_wins_in_any_order(bus: Client, ranks: tuple[int, int]) -> None:
    workspace = f"ranks{ranks[0]}"
    for rank in ranks:
        await publish(bus, request("req_f", workspace, rank=rank, status="failed" if rank == 1 else "completed"))
        await eventually(bus, f"SELECT count() FROM requests WHERE workspace = '{workspace}'", lambda result: result == "1\n")
    await eventually(bus, f"SELECT status FROM requests WHERE workspace = '{workspace}'", lambda result: result == "completed\n")


async def test_only_the_poison_rows_are_moved_to_the_dead_letters(bus: Client) -> None:
    good = [request(f"req_good{n}", "poison") for n in range(5)]
    poison = {
        "wrong type": LedgerRow("requests", b'{"request_id":"req_x","created_at":1763200000,"input_tokens":"many"}'),
        "not JSON": LedgerRow("requests", b'{"request_id":'),
        "no key": LedgerRow("requests", b'{"workspace":"poison"}'),
        "no such table": LedgerRow("weather", b'{"sunny":true}'),
    }
    dead = await bus.jetstream().pull_subscribe(subjects.ledger_dead("poisoner"), durable="test_poison")
    await publish(
        bus, *good[:2], poison["wrong type"], good[2], poison["not JSON"], poison["no such table"], service="poisoner"
    )
    await publish(bus, poison["no key"], *good[3:], service="poisoner")
    await eventually(bus, "SELECT count() FROM requests WHERE workspace = 'poison'", lambda result: result == "5\n")
    letters = [(await dead.fetch(1, timeout=10))[0] for _ in poison]
    assert {letter.data for letter in letters} == {row.json for row in poison.values()}
    for letter in letters:
        assert letter.headers is not None
        assert letter.headers["Tokenrouter-Reason"]
        assert letter.headers["Tokenrouter-Table"] in ("requests", "weather")
        await letter.ack()
    await _all_acknowledged(bus)


async def test_a_column_that_this_version_does_not_know_is_no_poison(bus: Client) -> None:
    row = msgspec.json.decode(request("req_g", "newer").json) | {"invented_later": [1]}
    await publish(bus, LedgerRow("requests", msgspec.json.encode(row)))
    await eventually(bus, "SELECT count() FROM requests WHERE workspace = 'newer'", lambda result: result == "1\n")


async def test_an_undecodable_message_is_kept_as_a_dead_letter_and_not_delivered_again(bus: Client) -> None:
    dead = await bus.jetstream().pull_subscribe(subjects.ledger_dead("mumbler"), durable="test_undecodable")
    await bus.jetstream().publish(subjects.ledger("mumbler"), b"\xc1 not msgpack")
    letter = (await dead.fetch(1, timeout=10))[0]
    assert letter.data == b"\xc1 not msgpack"
    await _all_acknowledged(bus)


async def _all_acknowledged(bus: Client) -> None:
    async with asyncio.timeout(10):
        while True:
            info = await bus.jetstream().consumer_info(subjects.LEDGER_STREAM, "recorder")
            if not info.num_pending and not info.num_ack_pending:
                return
            await asyncio.sleep(0.02)


async def test_a_large_result_comes_whole_in_pieces_that_fit_the_bus(bus: Client) -> None:
    sizes: list[int] = []
    inbox = bus.new_inbox()
    subscription = await bus.subscribe(inbox)
    sql = "SELECT number, repeat('x', 40) FROM numbers(200000)"
    await bus.publish(subjects.QUERY_SQL, msgspec.msgpack.encode({"kind": "sql_query", "sql": sql}), reply=inbox)
    whole = b""
    while True:
        message = await subscription.next_msg(20)
        piece: SqlAnswer = decoder(SqlAnswer).decode(message.data)
        assert piece.seq == len(sizes)
        sizes.append(len(message.data))
        whole += piece.data
        if piece.last:
            break
    assert piece.error == ""
    assert len(sizes) > 10
    assert max(sizes) < 512 * 1024
    assert whole.decode() == "".join(f"{n}\t{'x' * 40}\n" for n in range(200_000))


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT", "Syntax error"),
        ("SELECT 1; SELECT 2", "Multi-statements"),
        ("SELECT * FROM no_such_table", "no_such_table"),
        ("SELECT no_such_column FROM requests", "no_such_column"),
        ("DROP TABLE requests_log", "readonly"),
        ("INSERT INTO requests_log SELECT * FROM requests_log", "readonly"),
        ("ALTER TABLE requests_log DELETE WHERE 1", "readonly"),
        ("SET readonly = 0", "Syntax error"),
        ("SELECT 1 SETTINGS max_memory_usage = 0", "readonly"),
        ("SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString')", "readonly"),
        ("SELECT * FROM file('/etc/hostname', 'LineAsString')", "not allowed"),
        ("SELECT `file`('/etc/hostname')", "not allowed"),
        ("SELECT 1 INTO /* */ OUTFILE '/etc/tokenrouter-was-here'", "not allowed"),
        ("SELECT number FROM numbers(1500000)", "max rows"),
    ],
)
async def test_a_query_that_cannot_be_answered_says_why(bus: Client, sql: str, reason: str) -> None:
    with pytest.raises(QueryFailed) as failed:
        await query(bus, sql)
    assert reason in str(failed.value)
    assert await query(bus, "SELECT 1") == "1\n"


@pytest.mark.parametrize(
    ("sql", "first_line"),
    [
        ("SHOW TABLES LIKE 'request%'", "requests"),
        ("DESCRIBE requests", "request_id\tString"),
        ("WITH 2 AS two SELECT two", "2"),
        ("SELECT 1 AS one FORMAT TabSeparatedWithNames", "one"),
        ("SELECT 'file(1) INTO OUTFILE' -- said only", "file(1) INTO OUTFILE"),
    ],
)
async def test_statements_that_read(bus: Client, sql: str, first_line: str) -> None:
    assert (await query(bus, sql)).splitlines()[0].startswith(first_line)


async def test_parameters_are_values_whatever_they_contain(bus: Client) -> None:
    hostile = "' OR 1=1; -- \\ \t\n"
    assert await query(bus, "SELECT {v:String} = concat('\\' OR 1=1; -- \\\\ ', char(9), char(10))", params={"v": hostile}) == "1\n"


async def test_a_question_that_is_none_gets_an_answer(bus: Client) -> None:
    message = await bus.request(subjects.QUERY_SQL, b"SELECT 1", timeout=5)
    answer: SqlAnswer = decoder(SqlAnswer).decode(message.data)
    assert answer.last
    assert "sql_query" in answer.error


async def test_the_command_line_prints_plain_tsv(bus: Client, recorder: RecorderProcess) -> None:
    plain = await asyncio.to_thread(recorder.sql, "SELECT number AS n, 'x' AS x FROM numbers(2)")
    assert (plain.returncode, plain.stdout, plain.stderr) == (0, "0\tx\n1\tx\n", "")
    named = await asyncio.to_thread(recorder.sql, "--header", "SELECT 1 AS n")
    assert named.stdout == "n\n1\n"


async def test_the_command_line_fails_loudly(bus: Client, recorder: RecorderProcess) -> None:
    wrong = await asyncio.to_thread(recorder.sql, "SELECT nonsense FROM requests")
    assert wrong.returncode == 1
    assert wrong.stdout == ""
    assert wrong.stderr.startswith("error: ")
    assert "nonsense" in wrong.stderr


def test_the_command_line_creates_no_database_where_there_is_none(tmp_path: Path) -> None:
    nowhere = RecorderProcess("nats://127.0.0.1:1", tmp_path).sql("SELECT 1")
    assert nowhere.returncode == 1
    assert "NATS_URL" in nowhere.stderr
    assert not list(tmp_path.iterdir())
