"""Which models and accounts to leave alone for now: breakers that failures open, and pauses that providers asked for.

Every router hears the same tallies from the workers and so comes to the same view; one that has just started takes over what the
others say in their heartbeats. Clock and randomness are parameters.
"""

import random
from collections.abc import Callable

from msgspec import Struct

from libs.contracts.telemetry import Rest, Tally
from services.router.settings import RouterSettings

Target = tuple[str, str, str]
"""Provider, account, model; an empty model stands for the whole account."""

PROBE_SECONDS = 2.0
"""For how long one request tries out a provider alone, after its breaker's time is up."""
ADOPTING_SECONDS = 5.0
"""After its start, how long a router believes the others' heartbeats. Later it knows as much as they do, and sooner."""
JITTER = 0.2
FORGET_AFTER = 600.0
MOST_DOUBLINGS = 32
"""Far above any maximum; without it the power of two leaves the floats after a day of failed probes."""


class _Watched(Struct):
    """What is known of one target."""

    since: float
    ok: int = 0
    failed: int = 0
    paused_until: float = 0.0
    """The provider asked for it."""
    paused_code: str = ""
    advised_until: float = 0.0
    """The same, as advice only."""
    advised_code: str = ""
    open_until: float = 0.0
    """0: the breaker is closed."""
    opened: int = 0
    """Times in a row that it opened."""
    probing_until: float = 0.0
    code: str = ""
    failures: int = 0
    seen: float = 0.0


class Breakers:
    """Fed by tallies, asked by the decision. Only its router's event loop touches it."""

    def __init__(self, settings: RouterSettings, started_at: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._settings, self._uniform = settings, uniform
        self._started_at = started_at
        self._watched: dict[Target, _Watched] = {}

    def note(self, tally: Tally, now: float) -> None:
        """Take in what a worker learned."""
        target = (tally.provider, tally.account, tally.model)
        watched = self._watched.get(target)
        if watched is None:
            if not tally.failed and tally.rest_until <= now:
                return
            watched = self._watched[target] = _Watched(since=now)
        watched.seen = now
        self._pause(watched, tally.rest_until, tally.code, advice=tally.advice)
        self._count(watched, tally, now)

    def rest(self, provider: str, account: str, model: str, now: float) -> Rest | None:
        """Why a model at an account is not to be called now; None when it may be."""
        if not self._watched:
            return None
        whole, own = self._rest_of((provider, account, ""), now), self._rest_of((provider, account, model), now)
        return own if whole is None or (whole.advice and own is not None) else whole

    def chosen(self, provider: str, account: str, model: str, now: float) -> bool:
        """A request goes there; whether it is the probe after an open breaker's time, and the others wait for what it finds."""
        watched = self._watched.get((provider, account, model))
        if watched is None or not watched.open_until:
            return False
        watched.probing_until = now + PROBE_SECONDS
        return True

    def resting(self, now: float) -> list[Rest]:
        """Everything that is left alone at the moment; forgets what has been quiet for long."""
        for target in [target for target, watched in self._watched.items() if _is_over(watched, now)]:
            del self._watched[target]
        return [rest for target in self._watched if (rest := self._rest_of(target, now)) is not None]

    def adopt(self, rests: list[Rest], now: float) -> None:
        """Believe another router's heartbeat, while this one is new."""
        if now - self._started_at > ADOPTING_SECONDS:
            return
        for rest in rests:
            watched = self._watched.setdefault((rest.provider, rest.account, rest.model), _Watched(since=now))
            watched.seen = now
            if rest.failures:
                watched.open_until, watched.opened = max(watched.open_until, rest.until), max(watched.opened, 1)
                watched.code, watched.failures = rest.code, rest.failures
            else:
                self._pause(watched, rest.until, rest.code, advice=rest.advice)

    @staticmethod
    def _pause(watched: _Watched, until: float, code: str, *, advice: bool) -> None:
        if advice and until > watched.advised_until:
            watched.advised_until, watched.advised_code = until, code
        elif not advice and until > watched.paused_until:
            watched.paused_until, watched.paused_code = until, code

    def _count(self, watched: _Watched, tally: Tally, now: float) -> None:
        if tally.probed and watched.open_until:
            watched.open_until, watched.opened, watched.failures, watched.probing_until = 0.0, 0, 0, 0.0
            watched.since, watched.ok, watched.failed = now, 0, 0
        if now - watched.since > self._settings.breaker_window:
            watched.since, watched.ok, watched.failed = now, 0, 0
        watched.ok += tally.ok
        watched.failed += tally.failed
        if not tally.failed:
            return
        watched.code = tally.code
        if watched.open_until > now:
            # Calls that were under way when it opened.
            return
        half_open = watched.open_until > 0
        if half_open or (watched.failed >= self._settings.breaker_failures and watched.failed > watched.ok):
            self._open(watched, now)

    def _open(self, watched: _Watched, now: float) -> None:
        seconds = min(self._settings.breaker_open * 2 ** min(watched.opened, MOST_DOUBLINGS), self._settings.breaker_open_max)
        watched.open_until = now + seconds * self._uniform(1 - JITTER, 1 + JITTER)
        watched.opened += 1
        watched.failures += watched.failed
        watched.since, watched.ok, watched.failed, watched.probing_until = now, 0, 0, 0.0

    def _rest_of(self, target: Target, now: float) -> Rest | None:
        watched = self._watched.get(target)
        if watched is None:
            return None
        provider, account, model = target
        if watched.paused_until > now:
            return Rest(provider=provider, account=account, model=model, until=watched.paused_until, code=watched.paused_code)
        until = max(watched.open_until, watched.probing_until) if watched.open_until else 0.0
        if until > now:
            return Rest(provider=provider, account=account, model=model, until=until, code=watched.code, failures=max(1, watched.failures))
        if watched.advised_until > now:
            return Rest(
                provider=provider, account=account, model=model, until=watched.advised_until, code=watched.advised_code, advice=True
            )
        return None


def _is_over(watched: _Watched, now: float) -> bool:
    """Nothing holds any more. A breaker that nobody has probed for long counts as closed."""
    if max(watched.paused_until, watched.advised_until, watched.open_until) > now:
        return False
    return now - watched.seen > FORGET_AFTER
