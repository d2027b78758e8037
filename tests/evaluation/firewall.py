"""`make eval-firewall DATA=<file.jsonl> OUT=<file>`: what the live engine with the default detector packs finds and masks.

DATA has rows `{"id", "text"}`; with `label`, `type` and `spans` as well, the figures are printed by the definitions of the benchmark's
data card: a text counts as found when a hit overlaps a labelled span; texts that disguise a secret are reported apart; negatives of
secrets are the texts labelled benign, injection and pii, those of pii benign and injection.

OUT gets a line a row: `{"id", "hits": [{"class", "detector", "start", "end"}], "masked"}`, in characters of the text as it came, end
exclusive.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.mask import masked
from libs.firewall.ruleset import Active, RuleSet

Row = dict[str, Any]
CLASSES = {"secrets": "secret", "pii": "pii", "injection": "injection"}
"""How the data card calls what a pack finds."""
NEGATIVES = {"secret": ("benign", "injection", "pii"), "pii": ("benign", "injection"), "injection": ("benign",)}
LEAK = 12
"""Characters of a secret in a row that must not be left."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--types", action="store_true", help="recall by type too, and each text that was judged wrongly")
    given = arguments.parse_args()
    with given.data.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    found = list(lines(rows))
    with given.out.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in found)
    print(f"{len(found)} rows in {given.out}")
    if rows and all("label" in row for row in rows):
        print("\n".join(report(rows, found)))
        if given.types:
            print("\n".join(by_type(rows, found)))


def engine() -> Active:
    """The three packs, each as a rule of its own."""
    rules = [
        FirewallRule(
            id=number, user_id=1, name=pack, is_enabled=True, priority=0, scope="prompt", type="detector", pattern=pack,
            action="warn" if pack == "injection" else "mask", replacement=f"[{pack}]", created_at="", updated_at="",
        )
        for number, pack in enumerate(CLASSES, 1)
    ]  # fmt: skip
    return RuleSet(FirewallRules(rules=rules), "prompt").active("", "", "")


def lines(rows: Iterable[Row]) -> Iterator[Row]:
    """A line of OUT for each row."""
    active = engine()
    for row in rows:
        hits = active.scan(row["text"])
        told = [{"class": CLASSES[hit.rule.pattern], "detector": hit.detector, "start": hit.start, "end": hit.end} for hit in hits]
        yield {"id": row["id"], "hits": told, "masked": masked(row["text"], hits)}


def report(rows: list[Row], found: list[Row]) -> list[str]:
    """The table, as lines."""
    plain = [(row, line) for row, line in zip(rows, found, strict=True) if not row.get("evasion")]
    disguised = [(row, line) for row, line in zip(rows, found, strict=True) if row.get("evasion")]
    made = ["", "| target | P | R | F1 | FPR | found | missed | wrongly found |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    made += [_figures(plain, kind) for kind in NEGATIVES]
    benign = [line for row, line in plain if row["label"] == "benign"]
    wrong = sum(any(hit["class"] != "injection" for hit in line["hits"]) for line in benign)
    spans = [_left(row, line, span) for row, line in plain if row["label"] == "secret" for span in row["spans"]]
    if benign:
        made.append(f"benign texts with a secret or pii found: {wrong} of {len(benign)} ({wrong / len(benign):.2%})")
    if spans:
        clean = sum(left < LEAK for left in spans)
        made.append(f"secrets of which masking leaves no {LEAK} characters in a row: {clean} of {len(spans)} ({clean / len(spans):.2%})")
    if disguised:
        tried = Counter(row["evasion"] for row, _ in disguised)
        seen = Counter(row["evasion"] for row, line in disguised if _seen(row, line, "secret"))
        made.append("disguised secrets found: " + ", ".join(f"{way} {seen[way]} of {count}" for way, count in sorted(tried.items())))
    return made


def by_type(rows: list[Row], found: list[Row]) -> list[str]:
    """Recall by type, and the texts that were judged wrongly."""
    every: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for row, line in zip(rows, found, strict=True):
        kind = f"{row['label']} {row['type']}"
        every[kind] += 1
        right = _right(row, line)
        seen[kind] += right
        if not right and not row.get("evasion"):
            wrong.append(f"{row['id']} {kind}: {row['text'][:120]!r} {[(hit['detector'], _text(row, hit)[:40]) for hit in line['hits']]}")
    return [
        "",
        "| label and type | right | rows |",
        "| --- | --- | --- |",
        *(f"| {kind} | {seen[kind]} | {every[kind]} |" for kind in sorted(every)),
        "",
        *wrong,
    ]


def _figures(rows: list[tuple[Row, Row]], kind: str) -> str:
    hit = sum(_seen(row, line, kind) for row, line in rows if row["label"] == kind)
    missed = sum(row["label"] == kind for row, _ in rows) - hit
    negatives = [_found(line, kind) for row, line in rows if row["label"] in NEGATIVES[kind]]
    wrong = sum(negatives)
    precision, recall = _share(hit, hit + wrong), _share(hit, hit + missed)
    f1 = _share(2 * precision * recall, precision + recall)
    cells: Iterable[str] = (f"{value:.3f}" for value in (precision, recall, f1, _share(wrong, len(negatives))))
    return f"| {kind} | {' | '.join(cells)} | {hit} | {missed} | {wrong} |"


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _right(row: Row, line: Row) -> bool:
    if row["label"] == "benign":
        return not any(_found(line, kind) for kind in NEGATIVES)
    return _seen(row, line, row["label"])


def _seen(row: Row, line: Row, kind: str) -> bool:
    """A hit overlaps a labelled span; where nothing is labelled, any hit counts."""
    return _found(
        line, kind, lambda hit: not row["spans"] or any(hit["start"] < end and start < hit["end"] for start, end, *_ in row["spans"])
    )


def _found(line: Row, kind: str, fits: Callable[[Row], bool] = lambda _: True) -> bool:
    return any(hit["class"] == kind and fits(hit) for hit in line["hits"])


def _text(row: Row, hit: Row) -> str:
    return str(row["text"][hit["start"] : hit["end"]])


def _left(row: Row, line: Row, span: list[Any]) -> int:
    """Characters in a row of a labelled span that no hit of a masking rule covers."""
    start, end = int(span[0]), int(span[1])
    covered = sorted((hit["start"], hit["end"]) for hit in line["hits"] if hit["class"] != "injection")
    longest, at = 0, start
    for first, last in covered:
        longest = max(longest, min(first, end) - at)
        at = max(at, last)
    return max(longest, end - at)


if __name__ == "__main__":
    main()
