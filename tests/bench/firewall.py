"""What the firewall's engine costs: `python -m tests.bench.firewall`.

Every text is a fresh one: RE2 builds its automata as it goes, and a benchmark that scans one text over and over measures none of that.
"""

import base64
import gc
import json
import random
import string
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, quantiles

from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.clock import ScanTimeout
from libs.firewall.ruleset import Active, RuleSet
from libs.firewall.stream import Masker

OUT = Path("var/firewall.json")
SIZES = {2_000: 300, 20_000: 40, 200_000: 10}
"""Characters → texts."""
BARS = {("100 rules", 2_000): 1.0, ("100 rules", 200_000): 10.0}
"""ms, p99."""
PACKS = "secrets, pii, injection"
LIMIT = 250
_WORDS = (
    "the of and to in that is was for on with as it at by from this have not are which or be one had but what all were when there can an your said if "
    "they each other about how up out them then she many some so these would into has more her two like him see time could no make than first been its "
    "who now people my made over did down only way find use may water long little very after called just where most know function return value import "
    "request error message server client token order number version file list user name date total price status code key email meeting report budget"
).split()
_EVIL = {
    "(?:a+b|a)": "a", "(a+)+$": "a", "(.*a){12}$": "ab", "[ab]*a[ab]{999}c": "ab", "a[ab]{999}c": "ab", ".*a.{1000}c": "ab", r"(\w+\s?)+$": "ab ", "a": "a",
}  # fmt: skip


def main() -> None:
    drawn = random.Random(7)
    figures: dict[str, dict[str, float | str]] = {}
    for name, rules in _rule_sets(drawn).items():
        gc.collect()
        figures[name] = _scans(name, rules, drawn) | _stream(rules, drawn)
        print(_shown(name, figures[name]), flush=True)
    figures["evil patterns, 200,000 characters, one rule each"] = _evil(drawn)
    figures["1,000 rules and the packs"] = _stalls([*_plain(1000, drawn), _rule(0, "detector", PACKS)], drawn)
    for name in list(figures)[-2:]:
        print(_shown(name, figures[name]))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\nall figures: {OUT}")


def _rule_sets(drawn: random.Random) -> dict[str, list[FirewallRule]]:
    packs = _rule(0, "detector", PACKS)
    return {
        "10 rules": _plain(10, drawn), "100 rules": _plain(100, drawn), "1,000 rules": _plain(1000, drawn),
        "the packs": [packs], "the packs and 100 rules": [packs, *_plain(100, drawn)],
    }  # fmt: skip


def _plain(count: int, drawn: random.Random) -> list[FirewallRule]:
    """Words, tokens with a prefix, and fields with a value, as workspaces have them; three that have no literal."""
    loose = [r"\b\d(?:[ -]?\d){12,15}\b", r"\b\d{3}-\d{2}-\d{4}\b", r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}"]
    rules = [_rule(number, "regex", pattern) for number, pattern in enumerate(loose, 1)]
    for number in range(len(rules) + 1, count + 1):
        word = "".join(drawn.choices(string.ascii_lowercase, k=drawn.randint(5, 12)))
        kind, pattern = (
            ("substring", word),
            ("regex", rf"\b{word[:4]}-[0-9a-f]{{16,32}}\b"),
            ("regex", rf"\b{word}[-_ ]?(?:id|no)?\s{{0,4}}[:=]\s{{0,4}}\w{{4,40}}"),
        )[number % 3]
        rules.append(_rule(number, kind, pattern))
    return rules


def _rule(number: int, kind: str, pattern: str) -> FirewallRule:
    return FirewallRule(
        id=number, user_id=1, name=f"rule {number}", is_enabled=True, priority=0, scope="response", type=kind,  # type: ignore[arg-type]
        pattern=pattern, action="mask", created_at="", updated_at="",
    )  # fmt: skip


def _active(rules: list[FirewallRule]) -> Active:
    return RuleSet(FirewallRules(rules=rules), "response").active("", "", "")


def _text(size: int, drawn: random.Random) -> str:
    """Prose with some code, JSON and numbers in it."""
    return "".join(_sentences(drawn, size))[:size]


def _sentences(drawn: random.Random, size: int) -> Iterator[str]:
    written = 0
    while written < size:
        words = " ".join(drawn.choices(_WORDS, k=drawn.randint(6, 16)))
        number = drawn.randint(1, 10 ** drawn.randint(1, 9))
        sentence = drawn.choice(
            [f"{words.capitalize()}. "] * 6 + [f'{{"{words[:7].strip()}": {number}}}\n', f"{words[:9]} = call({number})\n", f"It was {number} “{words}”.\n"]
        )
        written += len(sentence)
        yield sentence


def _base64(size: int, drawn: random.Random) -> str:
    return base64.b64encode(drawn.randbytes(size * 3 // 4)).decode()


def _scans(name: str, rules: list[FirewallRule], drawn: random.Random) -> dict[str, float | str]:
    begun = time.perf_counter()
    active = _active(rules)
    figures: dict[str, float | str] = {"compile, ms": _ms(begun)}
    for kind, make in (("text", _text), ("base64", _base64)):
        for size, count in SIZES.items():
            cuts = quantiles(_times(active.scan, (make(size, drawn) for _ in range(count))), n=100, method="inclusive")
            bar = f", bar {BARS[name, size]:g}" if kind == "text" and (name, size) in BARS else ""
            figures[f"{kind} of {size:,}, ms p50 / p99"] = f"{cuts[49]:.2f} / {cuts[98]:.2f}{bar}"
    return figures


def _stream(rules: list[FirewallRule], drawn: random.Random) -> dict[str, float | str]:
    """Masking an answer that comes in pieces of 1 to 8 characters."""
    active, taken = _active(rules), list[float]()
    for _ in range(5):
        text, masker, at = _text(8_000, drawn), Masker(active), 0
        while at < len(text):
            piece = text[at : at + drawn.randint(1, 8)]
            taken += _times(masker.feed, [piece])
            at += len(piece)
        masker.finish()
    cuts = quantiles(taken, n=100)
    return {"a piece of a stream, µs mean / p50 / p99": f"{mean(taken) * 1e3:.0f} / {cuts[49] * 1e3:.0f} / {cuts[98] * 1e3:.0f}"}


def _evil(drawn: random.Random) -> dict[str, float | str]:
    figures: dict[str, float | str] = {}
    for pattern, letters in _EVIL.items():
        text = "".join(drawn.choices(letters, k=200_000))
        (taken,) = _times(_active([_rule(1, "regex", pattern)]).scan, [text])
        figures[pattern] = f"{taken:.0f} ms{' (gave up)' if taken > LIMIT / 3 else ''}, limit {LIMIT}"
    return figures


def _stalls(rules: list[FirewallRule], drawn: random.Random) -> dict[str, float | str]:
    """How long another thread waits, at most, while this is done in a thread."""
    active = _active(rules)
    texts = {"scan of 200,000": _text(200_000, drawn), "scan of 2,000,000": _text(2_000_000, drawn)}
    jobs: dict[str, Callable[[], object]] = {"compile": lambda: _active(rules)}
    jobs |= {name: (lambda text=text: _times(active.scan, [text])) for name, text in texts.items()}  # type: ignore[misc]
    return {f"{name} stalls others by, ms": _stall(job) for name, job in jobs.items()}


def _stall(job: Callable[[], object]) -> float:
    thread = threading.Thread(target=job)
    thread.start()
    worst, last = 0.0, time.perf_counter()
    while thread.is_alive():
        time.sleep(0.0005)
        now = time.perf_counter()
        worst, last = max(worst, now - last), now
    return round(worst * 1e3, 1)


def _times(scan: Callable[[str], object], texts: list[str] | Iterator[str]) -> list[float]:
    """ms of each, one after the other, by the clock."""
    taken: list[float] = []
    for text in texts:
        begun = time.perf_counter()
        try:
            scan(text)
        except ScanTimeout:
            pass
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def _ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1e3, 1)


def _shown(name: str, figures: dict[str, float | str]) -> str:
    rows = [f"| {words.replace('|', chr(92) + '|')} | {value} |" for words, value in figures.items()]
    return "\n".join(["", f"| firewall, {name} | |", "| --- | --- |", *rows])


if __name__ == "__main__":
    main()
