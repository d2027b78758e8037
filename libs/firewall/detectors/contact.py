"""E-mail addresses, telephone numbers and network addresses."""

import re
from ipaddress import AddressValueError, IPv6Address

from libs.firewall.detectors.detector import Detector

# Top-level names that are ends of files instead.
_FILES = {
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "js",
    "ts",
    "css",
    "py",
    "json",
    "html",
    "tar",
    "gz",
    "zip",
    "local",
    "localhost",
    "internal",
    "invalid",
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NOT_AN_ADDRESS = re.compile(
    r"(?i)^(?:v|ver|version|release|build|rev|revision|section|chapter|oid|firmware|kernel|driver|windows|macos|ios|android|patch"
    r"|identifier|\w/|[=<>~!]=|[@^~_+-])"
)


def _email(_: str, value: str) -> bool:
    local, _, domain = value.rpartition("@")
    end = domain.rpartition(".")[2].lower()
    return (
        end not in _FILES
        and ".." not in value
        and not local.startswith(".")
        and not local.endswith(".")
        and local.lower() not in {"git", "hg", "svn"}
    )


def _ipv4(whole: str, value: str) -> bool:
    """Not a version, a loopback address or a mask."""
    before = whole[: whole.index(value)].strip("\"'(: ")
    if before and _NOT_AN_ADDRESS.match(before):
        return False
    parts = [int(part) for part in value.split(".")]
    return parts[0] not in (0, 127, 255) and value.count(".") == 3


def _ipv6(_: str, value: str) -> bool:
    try:
        address = IPv6Address(value)
    except AddressValueError:
        return False
    return int(address) > 0xFFFF and any(map(str.isdigit, value)) and value.replace("::", ":x:").count(":") > 2


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _phone(_: str, value: str) -> bool:
    """Of a number with the trunk zero nine to twelve digits."""
    number = value.partition("x")[0]
    if _DATE.match(number):
        return False
    national = number.lstrip("(").startswith("0") and not number.startswith("00")
    return (9 if national else 7) <= _digits(number) <= (12 if national else 15) and len(set(filter(str.isdigit, number))) > 2


_AFTER = r"(?:[^\w.\-/@]|[.\-/](?:[^\d\w]|$)|-[A-Za-z]|\\|$)"
_EXTENSION = r"(?: ?(?:x|ext\.?) ?\d{1,6})?"
_CALLED = (
    r"(?:phone|tel|telephone|mobile|cell|cellphone|call(?: me| us| him| her| them)?(?: back)?|fax|office|desk|sms|text|whatsapp|signal"
    r"|telegram|answering|messages?|registered|reach(?:able)?|dial|ring|hotline"
    r"|helpline|contact|number|handy|telefon|téléphone|portable|móvil|teléfono|telefone|celular|telefono|cellulare|mobiel)"
)
_GROUPS = r"\(?\d{1,4}\)?(?:[ .-]\d{2,4}){1,4}|\d{2,4} \d{5,8}|\d{7,11}"

_LETTERS = r"\x{c0}-\x{24f}\x{370}-\x{5ff}"
"""Of European alphabets."""

CONTACT = (
    Detector(
        name="email",
        pack="pii",
        title="E-mail address",
        valid=_email,
        longest=190,
        patterns=(rf"[A-Za-z0-9{_LETTERS}][A-Za-z0-9{_LETTERS}._%+'-]*@(?:[A-Za-z0-9{_LETTERS}-]+\.)+[A-Za-z]{{2,24}}\b",),
    ),
    Detector(
        name="phone",
        pack="pii",
        title="Telephone number",
        valid=_phone,
        longest=100,
        patterns=(
            # International; North American; national with the trunk zero.
            rf"(?:^|(?:^|\D)[^\w.+/=#-])(?P<value>(?:(?:\+|00)[1-9]\d{{0,2}}[ .-]?(?:\(0?\d{{0,4}}\)[ .-]?)?\d(?:[ .-]?\d){{5,12}}"
            rf"|(?:1[ .-])?(?:\([2-9]\d{{2}}\) ?|[2-9]\d{{2}}[ .-])\d{{3}}[ .-]\d{{4}}"
            rf"|(?:0[1-9]\d{{0,3}}|\(0[1-9]\d{{0,3}}\))(?:(?:[ .-]\d{{2,4}}){{2,4}}|[ /-]\d{{5,8}})){_EXTENSION}){_AFTER}",
            rf"(?i)\b{_CALLED}\b[^\n\d+@]{{0,24}}?\b(?P<value>(?:{_GROUPS}){_EXTENSION}){_AFTER}",
            rf"(?i)(?:^|[^\w.+/=#-])(?P<value>(?:{_GROUPS}){_EXTENSION})(?: ?[-\x{{2013}}(,:]? ?)"
            r"(?:phone|tel|mobile|cell|fax|office|desk|home|work)\b",
        ),
    ),
    Detector(
        name="ipv4",
        pack="pii",
        title="IPv4 address",
        valid=_ipv4,
        longest=40,
        patterns=(
            r"(?:(?i:\b(?:v|ver|version|release|build|rev|revision|section|chapter|oid|firmware|kernel|driver|windows|macos|ios|android"
            r"|patch|identifier)(?: (?:is|was|number|no\.?|to|from))?[\"':=.( ]{0,4})|\w/|[=<>~!]=|[@^~_+-]|[^\w.]|^)"
            r"(?P<value>(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))(?:[^\w.-]|\.(?:\D|$)|-\D|$)",
        ),
    ),
    Detector(
        name="ipv6",
        pack="pii",
        title="IPv6 address",
        valid=_ipv6,
        longest=60,
        patterns=(
            r"(?i)(?:^|[^\w:.])(?P<value>[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6})(?:[^\w:]|$)",
        ),
    ),
)
