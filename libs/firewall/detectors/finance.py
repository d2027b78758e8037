"""Payment cards and bank accounts."""

from libs.firewall.detectors.checks import luhn
from libs.firewall.detectors.detector import Detector

_LENGTHS = {
    15: "NO", 16: "BE BI", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BF CI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SN SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
"""Characters of an IBAN, and the countries that have so many:
https://www.swift.com/standards/data-standards/iban-international-bank-account-number"""
_IBAN = "|".join(rf"(?:{'|'.join(names.split())})\d{{2}}(?:[ -]?[A-Z0-9]){{{length - 4}}}" for length, names in _LENGTHS.items())

# First digits and lengths by network; ISO/IEC 7812, as the networks publish their ranges.
_NETWORKS: tuple[tuple[tuple[tuple[int, int], ...], tuple[int, ...]], ...] = (
    (((4, 4),), (13, 16, 19)),
    (((51, 55), (2221, 2720)), (16,)),
    (((34, 34), (37, 37)), (15,)),
    (((300, 305), (309, 309), (36, 36), (38, 39)), (14, 16)),
    (((6011, 6011), (644, 649), (65, 65)), (16, 19)),
    (((3528, 3589),), (16, 19)),
    (((1800, 1800), (2131, 2131)), (15,)),
    (((62, 62), (81, 81)), (16, 17, 18, 19)),
    (((2200, 2204), (9792, 9792)), (16,)),
    (
        ((5018, 5018), (5020, 5020), (5038, 5038), (56, 58), (6304, 6304), (6390, 6390), (6759, 6763), (604, 604), (502, 509)),
        (12, 13, 14, 15, 16, 17, 18, 19),
    ),
)


def issued(digits: str) -> bool:
    """Begins as a network's cards do, and has their length."""
    return any(
        len(digits) in lengths and any(low <= int(digits[: len(str(low))]) <= high for low, high in ranges) for ranges, lengths in _NETWORKS
    )


def _card(whole: str, value: str) -> bool:
    """What is called a card needs only the check digit: there are more issuers than the list has."""
    digits = "".join(filter(str.isdigit, value))
    called = any(map(str.isalpha, whole[: whole.index(value)]))
    return (called or (issued(digits) and len(digits) > 13)) and 12 <= len(digits) <= 19 and luhn(digits) and len(set(digits)) > 1


def _iban(_: str, value: str) -> bool:
    text = "".join(filter(str.isalnum, value))
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


FINANCE = (
    Detector(
        name="credit_card",
        pack="pii",
        title="Payment card (Luhn, issuer)",
        valid=_card,
        longest=100,
        patterns=(
            r"(?:(?i:\b(?:card|cc|visa|mastercard|maestro|amex|american express|karte|kreditkarte|carte|tarjeta|carta|cartão|pan)\b"
            r"[^\n\d]{0,30})|^|[^\w.-])"
            r"(?P<value>\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]?\d{3})?|3\d{3}[ -]\d{6}[ -]\d{4,5}|\d{12,19})(?:[^\w-]|-\D|$)",
        ),
    ),
    Detector(
        name="iban",
        pack="pii",
        title="IBAN (country's length, check digits)",
        valid=_iban,
        longest=70,
        patterns=(rf"(?i)\b(?P<value>{_IBAN})\b",),
    ),
)
