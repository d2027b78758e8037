"""Personal data, told by grammar and check digits."""

from libs.firewall.detectors.contact import CONTACT
from libs.firewall.detectors.finance import FINANCE
from libs.firewall.detectors.identity import IDENTITY

PII = (*CONTACT, *FINANCE, *IDENTITY)
