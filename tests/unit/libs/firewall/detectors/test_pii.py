"""Personal data: forms that are found, and numbers that look alike."""

import pytest

from libs.firewall.detectors.finance import issued
from tests.unit.libs.firewall.detectors.finding import found

PLACES = ("{}", "Please update the record for customer {}.", '{{"field": "{}"}}', "My details are {}, thanks", "({})")
EXAMPLES = {
    "email": ["o'neil.sean+x@mail.example.co.uk", "first_last@sub.example.com", "JOE@EXAMPLE.COM", "müller@example.de", "x@example.museum"],
    "phone": [
        "+1 (415) 555-2671",
        "+1.415.555.2671",
        "415-555-2671",
        "(415) 555-2671",
        "415.555.2671",
        "+44 (0)20 7946 0958",
        "020 7946 0958",
        "+49-30-1234567",
        "0049 30 1234567",
        "030/1234567",
        "01 42 68 53 00",
        "+91 98765 43210",
        "07700 900123",
        "+61 2 9876 5432",
        "1-800-555-0199",
        "+1 415 555 2671 ext. 12",
        "+33 6 95 72 05 22",
    ],
    "credit_card": [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "2223003122003222",
        "6759649826438453",
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "gb82 west 1234 5698 7654 32",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "BE68-5390-0754-7034",
    ],
    "us_ssn": ["834-07-6367", "123-45-6788"],
    "uk_nino": ["AB123456C", "AB 12 34 56 C"],
    "ipv4": ["203.0.113.77", "10.0.0.5"],
    "ipv6": ["2001:db8::1", "fe80::1ff:fe23:4567:890a", "2001:db8:85a3::8a2e:370:7334", "2001:DB8:0:0:8:800:200C:417A"],
    "national_id": ["111.444.777-35", "2 55 08 14 168 025 38", "RSSMRA85T10A562S"],
}
CALLED = {
    "phone": [
        "They're not answering at 99 668472",
        "my registered 668 5702",
        "call me on 71-33-52-22",
        "Desk: (37) 788-063",
        "3660170548-Fax",
    ],
    "credit_card": ["the limit for card 587428561654", "card no 4222222222222", "last bill for cc 503802053770"],
    "us_ssn": ["SSN 219 09 8888", "my social security number: 512331234"],
    "us_itin": ["ITIN: 912-70-1234", "taxpayer number 912 70 1234"],
    "german_tax_id": ["Steuer-ID: 86 095 742 719", "Steueridentifikationsnummer 86095742719"],
    "national_id": ["DNI 12345678Z", "NIE X1234567L"],
    "passport": ["Passport number: C01X00T47", "passport no. 912803456"],
    "driver_licence": ["Driver's license: D1234567", "driving licence number MORGA753116SM9IJ"],
}
NONE = [
    "version 27.15.12.10",
    "@scope/core@28.1.17.27",
    "Chrome/120.0.60.99",
    "pkg==1.2.3.4",
    '"version": "1.2.3.4"',
    "127.0.0.1",
    "255.255.255.0",
    "1.3.6.1.5.5.7.3.1",
    "581.581.581.4559",
    "978-8-7214-0703-9",
    "4465845791582",
    "6806897304293194",
    "722-22978-222",
    "000-31-9239",
    "666-01-6123",
    "912-01-1234",
    "DE00235804477662318149",
    "1ZCNIMVK50R4YQVHQL",
    "root@localhost",
    "git@git.example.com:team/x.git",
    "logo@2x.png",
    "2024-01-15 10:30:00",
    "12:34:56",
    "00:1B:44:11:3A:B7",
    "std::vector",
    "a::b",
    "$1,234.56",
    "10,000,000 rows",
    "#639c5e #3ba70c #257744",
    "5917181f-060b-49bc-a46a-eb978f022d10",
    "arn:aws:iam::739165853281:role/reader",
    "epoch 1717171717171",
    "lat 52.520008, lon 13.404954",
    "BG123456A",
    "111.444.777-36",
    "Steuer-ID: 86 095 742 718",
    "DNI 12345678A",
    "part no 123-456-7890-11",
    "4111 1111 1111 1112",
    "72134 Coronilla 3599",
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, each in EXAMPLES.items() for value in each])
def test_examples_are_found_whole(name: str, value: str) -> None:
    for place in PLACES:
        text = place.format(value)
        assert found(name, text) == [value]
        assert found("pii", text) == [value]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, each in CALLED.items() for text in each])
def test_what_it_is_called_helps(name: str, text: str) -> None:
    [hit] = found(name, text)
    assert sum(map(str.isdigit, hit)) >= 6
    bare = hit.replace("-", "").replace(" ", "").strip("()")
    if name not in ("national_id", "phone", "us_ssn"):
        assert found(name, f"id {bare}") == []


@pytest.mark.parametrize("text", NONE)
def test_numbers_that_look_alike(text: str) -> None:
    for place in ("{}", "Order {} has shipped.", '{{"id": "{}"}}', "The job failed, id {}, please retry."):
        assert found("pii", place.format(text.replace("{", "(").replace("}", ")"))) == []


def test_networks_of_cards() -> None:
    assert issued("4111111111111111")
    assert issued("2720990000000000")
    assert not issued("2721000000000000")
    assert not issued("9111111111111111")
    assert not issued("411111111111111")
