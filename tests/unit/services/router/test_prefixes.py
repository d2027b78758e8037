"""Where a conversation's prompt is cached: as long as the provider keeps it, newest first, and bounded."""

import pytest

from libs.contracts.telemetry import CachedPrefix
from services.router.prefixes import MOST, PLACES, Prefixes

NOW = 1_795_000_000.0


def held(prefix: str, at: float, provider: str = "openai", account: str = "default") -> CachedPrefix:
    return CachedPrefix(prefix=prefix, provider=provider, account=account, model="m", tokens=2000, at=at)


@pytest.mark.parametrize(("provider", "seconds"), [("anthropic", 300.0), ("openai", 600.0), ("some-server", 600.0)])
def test_a_prefix_is_cached_as_long_as_the_provider_keeps_it(provider: str, seconds: float) -> None:
    prefixes = Prefixes()
    prefixes.note(held("p", NOW, provider), NOW)
    assert [one.provider for one in prefixes.of("p", NOW + seconds - 1)] == [provider]
    assert not prefixes.of("p", NOW + seconds)
    assert not prefixes.of("other", NOW)


def test_one_that_is_told_late_is_cold_already() -> None:
    prefixes = Prefixes()
    prefixes.note(held("p", NOW - 600), NOW)
    assert len(prefixes) == 0


def test_each_use_makes_it_last_anew() -> None:
    prefixes = Prefixes()
    prefixes.note(held("p", NOW, "anthropic"), NOW)
    prefixes.note(held("p", NOW + 200, "anthropic"), NOW + 200)
    assert prefixes.of("p", NOW + 499)


def test_the_places_of_a_prefix_come_latest_first_each_once_and_a_few() -> None:
    prefixes = Prefixes()
    for number in range(PLACES + 2):
        prefixes.note(held("p", NOW + number, account=str(number)), NOW + number)
    prefixes.note(held("p", NOW + 99, account="3"), NOW + 99)
    found = [(one.account, one.at - NOW) for one in prefixes.of("p", NOW + 99)]
    assert found == [("3", 99.0), *((str(number), float(number)) for number in (5, 4, 2))]


def test_prefixes_are_bounded_and_the_longest_unused_go_first() -> None:
    prefixes = Prefixes()
    for number in [*range(MOST), 0, MOST]:
        prefixes.note(held(f"p{number}", NOW), NOW)
    assert len(prefixes) == MOST
    assert [bool(prefixes.of(prefix, NOW)) for prefix in ("p0", "p1", "p2", f"p{MOST}")] == [True, False, True, True]


def test_cold_caches_are_forgotten() -> None:
    prefixes = Prefixes()
    for number in range(3):
        prefixes.note(held(f"p{number}", NOW + number * 100), NOW + number * 100)
    prefixes.prune(NOW + 700)
    assert len(prefixes) == 1
