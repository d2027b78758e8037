"""What translation costs: CPU of each dialect over the OpenAI pass-through, in the same run: `python -m tests.bench.translation`.

A request is `build` and `read`, without stream; a chunk is one event with one delta, fed to a reader. Nothing is sent anywhere.
"""

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import Call, Dialect
from tests.bench.body import PROMPT
from tests.conformance.answers import DIALECTS, TOOLS, call, stream_bytes, upstream_events, whole_bytes

REQUEST_BAR, CHUNK_BAR = 0.15, 0.03
"""ms over the pass-through."""
PASS_THROUGH = "openai"
REPEATS, REQUESTS, CHUNKS = 15, 100, 500
OUT = Path("var/translation.json")

TURNS = [
    {"type": "message", "role": "user", "content": PROMPT},
    {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Paris"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "18 degrees"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "18 degrees."}]},
    {"type": "message", "role": "user", "content": "And in Rome?"},
]
REQUESTS_BY_KIND: dict[str, dict[str, Any]] = {
    "text": {"input": PROMPT, "instructions": "Be brief."},
    "tools": {"input": TURNS, "instructions": "Be brief.", "tools": TOOLS, "tool_choice": "auto"},
}


class Cost(Struct, frozen=True, kw_only=True):
    """ms of CPU."""

    requests: dict[str, float]
    """By kind: a plain question, and a conversation with tools."""
    chunk: float


def main() -> None:
    costs = {name: _cost(name, dialect) for name, dialect in DIALECTS.items()}
    base = costs[PASS_THROUGH]
    over = {name: _over(cost, base) for name, cost in costs.items()}
    print(_table(costs, over))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"cost": _plain(costs), "over": _plain(over)}, indent=1) + "\n")
    print(f"\nall figures: {OUT}")


def _cost(name: str, dialect: Dialect) -> Cost:
    requests = {kind: _request_cost(name, dialect, kind) for kind in REQUESTS_BY_KIND}
    return Cost(requests=requests, chunk=_chunk_cost(name, dialect))


def _request_cost(name: str, dialect: Dialect, kind: str) -> float:
    made, body = call(REQUESTS_BY_KIND[kind], stream=False), whole_bytes(name, kind)

    def translate() -> None:
        dialect.build(made)
        dialect.read(body, made)

    return _fastest(translate, REQUESTS)


def _chunk_cost(name: str, dialect: Dialect) -> float:
    made, events = call(REQUESTS_BY_KIND["text"]), upstream_events(stream_bytes(name, "text"))
    place = _delta_in(dialect, made, events)
    reader = dialect.reader(made)
    for event in events[: place + 1]:
        reader.feed(event)
    chunk = events[place]
    return _fastest(lambda: reader.feed(chunk), CHUNKS)


def _delta_in(dialect: Dialect, made: Call, events: list[ServerSentEvent]) -> int:
    """The place of an event that is one delta and nothing else, so that it can be fed again and again."""
    reader = dialect.reader(made)
    for place, event in enumerate(events):
        told = reader.feed(event)
        if len(told) == 1 and told[0].type == "response.output_text.delta":
            return place
    raise ValueError("the recorded stream has no event that is only a delta")


def _fastest(act: Callable[[], Any], count: int) -> float:
    """ms a call: the fastest of several rounds, which is the one that was disturbed least."""
    gc.collect()
    gc.disable()
    try:
        rounds = []
        for _ in range(REPEATS):
            begun = time.process_time()
            for _ in range(count):
                act()
            rounds.append(time.process_time() - begun)
    finally:
        gc.enable()
    return min(rounds) / count * 1000


def _over(cost: Cost, base: Cost) -> Cost:
    return Cost(requests={kind: ms - base.requests[kind] for kind, ms in cost.requests.items()}, chunk=cost.chunk - base.chunk)


def _table(costs: dict[str, Cost], over: dict[str, Cost]) -> str:
    kinds = list(REQUESTS_BY_KIND)
    head = f"{'ms of CPU':<12}" + "".join(f"{kind:>12}{'over':>10}" for kind in [*kinds, "chunk"]) + "  within the bars"
    lines = [head]
    for name, cost in costs.items():
        more = over[name]
        cells = [(cost.requests[kind], more.requests[kind]) for kind in kinds] + [(cost.chunk, more.chunk)]
        met = all(ms <= REQUEST_BAR for ms in more.requests.values()) and more.chunk <= CHUNK_BAR
        lines.append(f"{name:<12}" + "".join(f"{ms:>12.4f}{extra:>+10.4f}" for ms, extra in cells) + f"  {'yes' if met else 'NO'}")
    bars = f"bars over the pass-through: {REQUEST_BAR} ms a request that is not streamed, {CHUNK_BAR} ms a chunk"
    return "\n".join([*lines, "", bars])


def _plain(costs: dict[str, Cost]) -> dict[str, Any]:
    return {name: cost.requests | {"chunk": cost.chunk} for name, cost in costs.items()}


if __name__ == "__main__":
    main()
