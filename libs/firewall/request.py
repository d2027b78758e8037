"""Screening a request, pure: a canonical request and a workspace's rules in, a verdict and perhaps a masked request out."""

import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from libs.contracts.decisions import Screening
from libs.contracts.policies import FirewallRule
from libs.firewall.findings import Findings, place
from libs.firewall.mask import masked, masked_json
from libs.firewall.policies import Policy
from libs.firewall.ruleset import Active, Hit
from libs.responses.text import Path, metadata_texts, replaced, texts

Json = dict[str, Any]
SECONDS = 0.25
"""A request's scan takes no longer; what has not been judged by then does not pass."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, for rules that are narrowed to some."""

    key_id: str = ""
    key_name: str = ""
    project: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """What screening found."""

    screening: Screening
    blocked_by: FirewallRule | None = None
    request: Json | None = None
    """The masked request, when something in it was masked."""
    metadata: dict[str, str] | None = None
    """The masked metadata, when something in it was masked."""


def screen(request: Json, metadata: dict[str, str], policy: Policy, caller: Caller, *, seconds: float = SECONDS) -> Verdict:
    """Judge a canonical request. Masks apply even when a rule only warns elsewhere; the strongest blocking rule names the block.
    Raises ScanTimeout."""
    active = {scope: policy.of(scope).active(caller.key_id, caller.key_name, caller.project) for scope in ("prompt", "metadata")}
    findings = Findings(policy.salt)
    deadline = time.monotonic() + seconds
    changes = _changes(list(texts(request)), active["prompt"], findings, deadline)
    told = _changes([(("metadata", name), value) for name, value in metadata.items()], active["metadata"], findings, deadline)
    # The body holds the client's pairs too, and OpenAI is sent them.
    own = dict(metadata_texts(request))
    changes |= {path: text for path, text in told.items() if path in own}
    screening = Screening(
        revision=policy.revision,
        checked=sum(map(len, active.values())),
        trace=findings.trace(),
        warnings=findings.warnings(),
        masked=findings.masked,
    )
    return Verdict(
        screening=screening,
        blocked_by=findings.block(),
        request=replaced(request, changes) if changes else None,
        metadata=metadata | {str(path[1]): text for path, text in told.items()} if told else None,
    )


def _changes(found: list[tuple[Path, str]], active: Active, findings: Findings, deadline: float) -> dict[Path, str]:
    """The texts that masking changes, by path."""
    if not found or not len(active):
        return {}
    # One pass over everything finds the suspects; most prompts have none and are done here.
    if not active.suspects("\n".join(text for _, text in found)) and not any(map(_hides, found)):
        return {}
    changes: dict[Path, str] = {}
    for path, text in found:
        scan, mask = _ways(active, path, text)
        hits = scan(text, deadline=deadline)
        if hits:
            findings.add(place(path), hits, text)
            new = mask(text, hits)
            if new != text:
                changes[path] = new
    return changes


def _hides(found: tuple[Path, str]) -> bool:
    """JSON text can spell a character in ways that only its decoded form shows."""
    return "\\" in found[1] and _is_json(*found)


def _is_json(path: Path, text: str) -> bool:
    """Text that holds JSON, and has to hold JSON after masking: a call's arguments, and a tool's output where it looks like it."""
    return path[-1] == "arguments" or (path[-1] == "output" and text.lstrip()[:1] in ("{", "["))


def _ways(active: Active, path: Path, text: str) -> tuple[Callable[..., list[Hit]], Callable[[str, list[Hit]], str]]:
    return (active.scan_json, masked_json) if _is_json(path, text) else (active.scan, masked)
