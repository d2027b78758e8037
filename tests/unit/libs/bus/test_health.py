"""What the heartbeats add up to."""

from typing import Any

from libs.bus.health import DEAD_AFTER, Registry
from libs.contracts.health import Health, OfferedModel, ProviderAccount


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def account(provider: str, name: str = "default", rank: int = 0, configured: bool = True, **known: Any) -> ProviderAccount:
    return ProviderAccount(provider=provider, account=name, rank=rank, configured=configured, **known)


def worker(instance: str, *providers: ProviderAccount, **known: Any) -> Health:
    return Health(service="provider-worker", instance=instance, at=0.0, providers=list(providers), **known)


def names(registry: Registry) -> dict[str, list[str]]:
    return {provider: [one.account for one in accounts] for provider, accounts in registry.accounts().items()}


def test_accounts_come_in_the_order_of_their_rank() -> None:
    registry = Registry(Clock())
    registry.note(worker("w1", account("openai", "3", 2), account("openai"), account("mistral"), account("openai", "2", 1)))
    assert names(registry) == {"openai": ["default", "2", "3"], "mistral": ["default"]}


def test_the_accounts_of_all_workers_are_merged() -> None:
    registry = Registry(Clock())
    registry.note(worker("w1", account("openai", "2", 1), account("gemini")))
    registry.note(worker("w2", account("openai"), account("gemini"), account("groq")))
    assert names(registry) == {"openai": ["default", "2"], "gemini": ["default"], "groq": ["default"]}


def test_a_worker_that_has_the_key_speaks_for_one_that_has_not() -> None:
    with_key = account("openai", has_key=True, models=[OfferedModel(id="mine")])
    for order in ((with_key, account("openai", configured=False)), (account("openai", configured=False), with_key)):
        registry = Registry(Clock())
        for number, one in enumerate(order):
            registry.note(worker(f"w{number}", one))
        assert registry.accounts() == {"openai": [with_key]}


def test_only_workers_that_take_work_count() -> None:
    registry = Registry(Clock())
    registry.note(worker("w1", account("openai"), ready=False))
    registry.note(worker("w2", account("gemini"), draining=True))
    assert registry.accounts() == {}


def test_what_a_heartbeat_changes_holds_at_once() -> None:
    registry = Registry(Clock())
    registry.note(worker("w1", account("openai")))
    assert names(registry) == {"openai": ["default"]}
    registry.note(worker("w2", account("gemini")))
    assert names(registry) == {"openai": ["default"], "gemini": ["default"]}
    registry.note(worker("w1", account("openai"), draining=True))
    assert names(registry) == {"gemini": ["default"]}


def test_asking_again_costs_nothing_for_a_while() -> None:
    registry = Registry(Clock())
    registry.note(worker("w1", account("openai")))
    first = registry.accounts()
    registry.note(Health(service="edge", instance="e1", at=0.0))
    assert registry.accounts() is first


def test_a_dead_workers_accounts_go_soon() -> None:
    clock = Clock()
    registry = Registry(clock)
    registry.note(worker("w1", account("openai")))
    clock.now += DEAD_AFTER - 0.01
    assert names(registry) == {"openai": ["default"]}
    clock.now += 0.3
    assert registry.accounts() == {}
    registry.note(worker("w1", account("openai")))
    assert names(registry) == {"openai": ["default"]}


def test_every_heartbeat_is_told_on() -> None:
    registry = Registry(Clock())
    told: list[Health] = []
    registry.on_health.append(told.append)
    beats = [Health(service="router", instance="r1", at=1.0), worker("w1", account("openai"))]
    for beat in beats:
        registry.note(beat)
    assert told == beats
