"""The router's settings: how long it waits, how often it tries, and when it leaves a provider alone."""

from libs.bus.settings import BusSettings
from libs.contracts.decisions import Mode


class RouterSettings(BusSettings, frozen=True, kw_only=True):
    """Fields are read from `TOKENROUTER_<FIELD>`."""

    max_attempts: int = 3
    """Provider calls made for one request at most, the first included."""
    retry_wait: float = 4.0
    """Seconds that a request may wait for a candidate which asked for a pause, when there is no other. Above that the client gets
    the error with Retry-After."""
    slow_start_latency: float = 6.0
    """Seconds to the first sign of an answer in mode `latency`, after which the next candidate is tried. Four times as long for a
    model that was asked to think, and for an answer that is not streamed, whose first sign is its end. 0 waits for ever."""
    slow_start_balance: float = 15.0
    """The same in mode `balance`."""
    slow_start_cost: float = 30.0
    """The same in mode `cost`."""
    slow_start_quality: float = 45.0
    """The same in mode `quality`."""
    exploration: float = 0.01
    """Share of automatic choices that may try a model whose speed is not known, where it costs little; a workspace's routing policy
    goes over it. 0: never."""
    breaker_failures: int = 5
    """Failures of one model at one account, within `breaker_window` and more than the successes, that open its breaker."""
    breaker_window: float = 10.0
    """Seconds over which failures and successes are counted."""
    breaker_open: float = 1.0
    """Seconds for which an open breaker keeps requests away; doubled each time the probe after it fails."""
    breaker_open_max: float = 30.0
    """Seconds that this may grow to."""
    signals_half_life: float = 120.0
    """Seconds after which what was seen of a model's speed and failures counts half."""

    def slow_start(self, mode: Mode) -> float:
        """Seconds to the first sign of an answer; 0 waits for ever."""
        return {
            "latency": self.slow_start_latency, "balance": self.slow_start_balance, "cost": self.slow_start_cost,
            "quality": self.slow_start_quality,
        }[mode]
