"""`make eval-firewall-streams DATA=<file.jsonl>`: the texts of a data set as answers, cut wherever they can be cut.

First each text in two pieces, at every boundary, through the worker's masking in this process; then letter by letter, in pieces of other sizes and
whole, through a running router between a real client and a provider that says what it is told. Every way must say the same, and no run of twelve
characters of a labelled secret that is masked in the whole text may be in any of them.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx

from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.mask import masked
from libs.firewall.ruleset import Active, RuleSet
from libs.firewall.stream import Masker
from tests.e2e.stack import Stack, events
from tests.upstream import Behaviour, Upstream

Row = dict[str, Any]
RUN = 12
"""Characters in a row that give a secret away."""
PIECES = (1, 7)
"""Characters of a delta."""
PACKS = "secrets, pii"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--every", type=int, default=1, help="of the texts, every n-th goes through the running router")
    given = arguments.parse_args()
    rows = [json.loads(line) for line in given.data.read_text().split("\n") if line.strip()]
    told = Counter[str]()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for found in pool.map(cut_everywhere, rows, chunksize=32):
            told.update(found)
    print(f"{len(rows)} texts, {told['cuts']} cuts: {told['differs']} differ from the whole, {told['leaks']} leak")
    through = routed(rows[:: given.every])
    print(f"{through['texts']} texts through the router: {through['differs']} answers differ from the whole, {through['leaks']} leak")
    if told["differs"] or told["leaks"] or through["differs"] or through["leaks"]:
        sys.exit(1)


def cut_everywhere(row: Row) -> Counter[str]:
    """One text in two pieces at every boundary."""
    text, found = row["text"], Counter[str]()
    whole = _masked(text)
    for at in range(len(text) + 1):
        masker = Masker(_active())
        early = masker.feed(text[:at]) + masker.feed(text[at:])
        said = early + masker.finish()
        found["cuts"] += 1
        found["differs"] += said != whole
        found["leaks"] += any(run in early for run in hidden(row, whole))
    return found


def hidden(row: Row, whole: str) -> list[str]:
    """Runs of labelled secrets that masking the whole text hides."""
    runs = [row["text"][at : at + RUN] for start, end, _ in row.get("spans") or () for at in range(start, end - RUN + 1)]
    return [run for run in runs if run not in whole]


def routed(rows: list[Row]) -> Counter[str]:
    """Streamed and whole through a running router."""
    upstream = Upstream()
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(Path(home) / "home", OPENAI_API_KEY="sk-fake-openai", OPENAI_BASE_URL=f"{upstream.url}/v1").start()
        try:
            stack.post(_fields(), "/v1/firewall-rules").raise_for_status()
            with ThreadPoolExecutor(4) as pool:
                return sum(pool.map(lambda row: _asked(stack, upstream, row), rows), Counter[str]())
        finally:
            stack.stop()
            upstream.close()


def _asked(stack: Stack, upstream: Upstream, row: Row) -> Counter[str]:
    """Every way of asking for one text as the answer."""
    text = row["text"]
    found = Counter(texts=1)
    whole = _masked(text)
    secrets = hidden(row, whole)
    upstream.script = _says
    plain = _posted(stack, text, stream=False)
    found["differs"] += _text(plain.json()) != whole
    found["leaks"] += any(json.dumps(run)[1:-1] in plain.text for run in secrets)
    for size in PIECES:
        answer = _posted(stack, text, stream=True, size=size)
        seen = events(answer)
        deltas = "".join(event["delta"] for event in seen if event["type"] == "response.output_text.delta")
        found["differs"] += not (deltas == whole == _text(seen[-1]["response"]))
        found["leaks"] += any(run in deltas for run in secrets) or any(json.dumps(run)[1:-1] in answer.text for run in secrets)
    return found


def _posted(stack: Stack, text: str, *, stream: bool, size: int = 1) -> httpx.Response:
    answer = stack.post({"model": "gpt-4o", "input": json.dumps([text, size]), "stream": stream, "store": False})
    answer.raise_for_status()
    return answer


def _says(call: Any) -> Behaviour:
    text, size = json.loads(call.body["input"])
    return Behaviour(text=text, chunks=max(1, -(-len(text) // size)))


def _text(response: Row) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


def _masked(text: str) -> str:
    return masked(text, _active().scan(text))


@cache
def _active() -> Active:
    fields = _fields() | {"id": 1, "user_id": 1, "created_at": "", "updated_at": ""}
    return RuleSet(FirewallRules(rules=[FirewallRule(**fields)]), "response").active("", "", "")


def _fields() -> Row:
    return {"name": "packs", "is_enabled": True, "priority": 0, "scope": "response", "type": "detector", "pattern": PACKS, "action": "mask"}


if __name__ == "__main__":
    main()
