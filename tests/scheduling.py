"""Which tests run in one worker, and in what order workers take them, when `pytest -n` spreads them over several."""

from collections.abc import Iterable

from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    "tests/e2e/clients/": "tests/e2e/clients",
    "tests/e2e/test_errors.py": "tests/e2e",
    "tests/e2e/test_responses.py": "tests/e2e",
    "tests/e2e/test_rules.py": "tests/e2e",
    "tests/e2e/test_sdk.py": "tests/e2e",
    "tests/integration/test_sandbox": "tests/integration/test_sandbox",
}
"""Modules that share a stack or the sandbox, by the beginning of their path: to start a stack costs 4 s of CPU, and to have it idle 3 % of a core."""
LONGEST_FIRST = (
    "tests/e2e/test_faults.py", "tests/e2e/clients/", "tests/e2e/test_background.py", "tests/e2e/test_resilience.py",
    "tests/e2e/test_examples.py", "tests/e2e/", "tests/integration/",
)
"""Tests of the whole stack wait more than they compute, so they go side by side; what only computes fills up the end."""


def group_of(nodeid: str) -> str:
    """The name of the group that runs in one worker: a module, or several that share a stack."""
    path = nodeid.partition("::")[0]
    return next((group for beginning, group in GROUPS.items() if path.startswith(beginning)), path)


def place_of(nodeid: str) -> int:
    """When a test's group is taken: lower ones first."""
    return next((place for place, beginning in enumerate(LONGEST_FIRST) if nodeid.startswith(beginning)), len(LONGEST_FIRST))


def in_order(nodeids: Iterable[str]) -> list[str]:
    """Longest groups first, each in one piece, otherwise as they were."""
    known = list(nodeids)
    first: dict[str, tuple[int, int]] = {}
    for number, nodeid in enumerate(known):
        group, place = group_of(nodeid), place_of(nodeid)
        first[group] = min(first.get(group, (place, number)), (place, number))
    return sorted(known, key=lambda nodeid: first[group_of(nodeid)])


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """By group rather than by module."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
