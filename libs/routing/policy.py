"""A workspace's routing policy, ready to be asked: what it allows, how it weighs, what it knows of models better than the catalog."""

from libs.catalog.models import Model
from libs.catalog.overrides import Tailor
from libs.contracts.decisions import Mode
from libs.contracts.policies import Learned, RoutingPolicy
from libs.routing.score import WEIGHTS


class Policy:
    """Prepared once for each revision."""

    def __init__(
        self, given: RoutingPolicy | None = None, revision: int = 0, learned: Learned | None = None, tailor: Tailor | None = None
    ) -> None:
        self.given = given or RoutingPolicy()
        self.revision = revision
        self._tailor = tailor or Tailor(self.given, learned)
        self._unlearned = Tailor(self.given, None) if learned is not None and self.given.learning else None
        self._bases: dict[tuple[str, str], Model] = {}

    @property
    def learns(self) -> bool:
        """What feedback taught is in force."""
        return self._unlearned is not None

    def tailored(self, model: Model) -> Model:
        """A model of the catalog or of the settings, as this workspace knows it."""
        if self._unlearned is not None:
            self._bases[model.provider, model.id] = model
        return self._tailor(model)

    def without_learning(self, model: Model) -> Model:
        """A tailored model as it would be without what feedback taught."""
        base = self._bases.get((model.provider, model.id))
        return model if self._unlearned is None or base is None else self._unlearned(base)

    def against(self, model: Model) -> str | None:
        """Why the model may not be used; None when it may."""
        return None if self._tailor.allows(model) else "not allowed by the workspace's routing policy"

    def weights(self, mode: Mode) -> tuple[float, float, float]:
        """Of cost, quality, latency; they add up to 1."""
        own = self.given.weights.get(mode)
        if own is None or not (total := own.cost + own.quality + own.latency):
            return WEIGHTS[mode]
        return own.cost / total, own.quality / total, own.latency / total


DEFAULT = Policy()
