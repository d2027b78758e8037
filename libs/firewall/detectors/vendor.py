"""How the detectors of vendors' tokens are written down: one call each."""

from libs.firewall.detectors.checks import genuine
from libs.firewall.detectors.detector import Check, Detector

RECOGNISED = 128
"""Characters by which every vendor's token is recognised, unless its line says otherwise; what is longer runs on."""


def token(name: str, title: str, *patterns: str, longest: int = RECOGNISED, valid: Check = genuine) -> Detector:
    """A secret with a format of its own."""
    return Detector(name=name, pack="secrets", title=title, patterns=patterns, valid=valid, longest=longest)
