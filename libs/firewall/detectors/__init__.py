"""The detectors that come with the firewall, in packs."""

from libs.firewall.detectors.ai import AI
from libs.firewall.detectors.assigned import ASSIGNED
from libs.firewall.detectors.bare import BARE
from libs.firewall.detectors.business import BUSINESS
from libs.firewall.detectors.clouds import CLOUDS
from libs.firewall.detectors.connections import CONNECTIONS
from libs.firewall.detectors.detector import Detector
from libs.firewall.detectors.development import DEVELOPMENT
from libs.firewall.detectors.injection import INJECTION
from libs.firewall.detectors.keys import KEYS
from libs.firewall.detectors.monitoring import MONITORING
from libs.firewall.detectors.pii import PII
from libs.firewall.detectors.prose import PROSE

SECRETS = (*KEYS, *CONNECTIONS, *AI, *CLOUDS, *DEVELOPMENT, *BUSINESS, *MONITORING, *BARE, *ASSIGNED, *PROSE)
PACKS: dict[str, tuple[Detector, ...]] = {"secrets": SECRETS, "pii": PII, "injection": INJECTION}
_KNOWN = {name: found for pack, found in PACKS.items() for name, found in [(pack, found), *((each.name, (each,)) for each in found)]}


def detectors(pattern: str) -> tuple[Detector, ...]:
    """The detectors that a rule's pattern names: packs and detectors, with commas between them; each once.

    Raises ValueError with what is known when a name is not.
    """
    names = [name for part in pattern.split(",") if (name := part.strip().lower())]
    unknown = [name for name in names if name not in _KNOWN]
    if unknown or not names:
        told = f"{', '.join(unknown)} is no detector" if unknown else "pattern names no detector"
        raise ValueError(f"{told}; packs: {', '.join(PACKS)}; detectors: {', '.join(name for name in _KNOWN if name not in PACKS)}")
    return tuple({each.name: each for name in names for each in _KNOWN[name]}.values())
