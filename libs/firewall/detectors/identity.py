"""Numbers by which states know people."""

from libs.firewall.detectors.detector import Detector


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _ssn(whole: str, value: str) -> bool:
    """Ranges that are given out, with hyphens or called so; the documented samples are not given out.
    https://www.ssa.gov/employer/randomization.html"""
    if value.count("-") != 2 and not any(map(str.isalpha, whole)):
        return False
    digits = _digits(value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000" and digits not in ("078051120", "219099999")


def _itin(_: str, value: str) -> bool:
    """https://www.irs.gov/tin/itin/individual-taxpayer-identification-number-itin"""
    group = int(_digits(value)[3:5])
    return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99


def _nino(_: str, value: str) -> bool:
    """https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110"""
    return value[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _steuer_id(_: str, value: str) -> bool:
    """Eleven digits, the last by ISO/IEC 7064 MOD 11,10; of the first ten one comes twice or three times."""
    digits = [int(char) for char in _digits(value)]
    product = 10
    for digit in digits[:10]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == digits[10] and digits[0] != 0 and len(set(digits[:10])) in (8, 9)


def _nir(_: str, value: str) -> bool:
    """France: thirteen digits and 97 less their remainder."""
    digits = _digits(value)
    return len(digits) == 15 and 97 - int(digits[:13]) % 97 == int(digits[13:])


def _dni(_: str, value: str) -> bool:
    """Spain: the letter is the number's remainder by 23."""
    text = value.upper().replace("-", "").replace(" ", "")
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def _cpf(_: str, value: str) -> bool:
    """Brazil: two check digits, weights falling to 2."""
    digits = [int(char) for char in _digits(value)]
    return len(set(digits)) > 1 and all(
        sum(digit * (size + 1 - at) for at, digit in enumerate(digits[:size])) * 10 % 11 % 10 == digits[size] for size in (9, 10)
    )


_ODD_LETTERS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (*_ODD_LETTERS[:10], *_ODD_LETTERS), strict=True))


def _codice_fiscale(_: str, value: str) -> bool:
    """Italy: the last letter by the tables of the decree of 23 December 1976."""
    total = sum(_ODD[char] if at % 2 == 0 else int(char, 36) - (10 if char.isalpha() else 0) for at, char in enumerate(value[:15]))
    return chr(65 + total % 26) == value[15]


def _national_id(whole: str, value: str) -> bool:
    if value[-1].isdigit():
        return _cpf(whole, value) if "." in value else _nir(whole, value)
    if value[0].isalpha() and value[1].isalpha():
        return _codice_fiscale(whole, value)
    return whole[:3].strip(" ").lower() in ("dni", "nie", "nif") and _dni(whole, value)


def _numbered(_: str, value: str) -> bool:
    return sum(map(str.isdigit, value)) >= 5


IDENTITY = (
    Detector(
        name="us_ssn",
        pack="pii",
        title="US social security number",
        valid=_ssn,
        longest=80,
        patterns=(
            r"(?:(?i:\b(?:ssn|social security(?: number| no\.?)?)\b[^\n\d]{0,20})|^|[^\w.-])(?P<value>\d{3}[ .-]?\d{2}[ .-]?\d{4})(?:"
            r"[^\w-]|-\D|$)",
        ),
    ),
    Detector(
        name="us_itin",
        pack="pii",
        title="US taxpayer number (ITIN)",
        valid=_itin,
        longest=80,
        patterns=(r"(?i)\b(?:itin[ :#]|taxpayer|tax id)[^\n\d]{0,30}(?P<value>9\d{2}[ -]?[5-9]\d[ -]?\d{4})\b",),
    ),
    Detector(
        name="uk_nino",
        pack="pii",
        title="UK national insurance number",
        valid=_nino,
        longest=13,
        patterns=(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:\d{6}| \d{2} \d{2} \d{2} ?|-\d{2}-\d{2}-\d{2}-?)[A-D]\b",),
    ),
    Detector(
        name="german_tax_id",
        pack="pii",
        title="German tax id (Steuer-ID)",
        valid=_steuer_id,
        longest=80,
        patterns=(r"(?i)\b(?:steuer-?(?:id|identifikationsnummer|nummer)|tax id)\b[^\n\d]{0,30}(?P<value>\d{2} ?\d{3} ?\d{3} ?\d{3})\b",),
    ),
    Detector(
        name="national_id",
        pack="pii",
        title="Brazilian CPF, French NIR, Spanish DNI or NIE, Italian codice fiscale (check digits)",
        valid=_national_id,
        longest=70,
        patterns=(
            r"(?:\b(?i:dni|nie|nif)\b[^\n\d]{0,20}?|^|[^\w.-])(?P<value>\d{3}\.\d{3}\.\d{3}-\d{2}|[12] ?\d{2} ?(?:0[1-9]|1"
            r"[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}|[XYZ]?[ -]?\d{7,8}[ -]?[A-Z]"
            r"|[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])(?:[^\w.-]|[.-]\D|[.-]?$)",
        ),
    ),
    Detector(
        name="passport",
        pack="pii",
        title="Passport or identity card number, called one",
        valid=_numbered,
        longest=80,
        patterns=(
            r"(?i)\b(?:passport|reisepass(?:nummer)?|passeport|pasaporte|identity card|id card|personalausweis)\b(?: (?:number|no\.?"
            r"|nr\.?|num(?:ber)?|is|nummer))*[ :#=]{1,4}(?P<value>[a-z]{0,2}[0-9][a-z0-9]{5,9})\b",
        ),
    ),
    Detector(
        name="driver_licence",
        pack="pii",
        title="Driving licence number, called one",
        valid=_numbered,
        longest=80,
        patterns=(
            r"(?i)\b(?:driver'?s?|driving)[ _]licen[cs]e\b(?: (?:number|no\.?|nr\.?|is))*[ :#=]{1,4}(?P<value>[a-z0-9][a-z0-9-]{5,18}"
            r"[a-z0-9])\b",
        ),
    ),
)
