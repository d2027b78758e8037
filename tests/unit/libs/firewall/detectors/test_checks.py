"""Check digits, randomness, placeholders."""

import math

import pytest

from libs.firewall.detectors.checks import classes, entropy, hexadecimal, luhn, password, placeholder, random_token, uuid, written
from tests.unit.libs.firewall.detectors.finding import ALNUM, HEX, URLSAFE, drawn
from tests.unit.libs.firewall.detectors.finding import uuid as some_uuid


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "378282246310005", "6011-0009-9013-9424"])
def test_luhn(number: str) -> None:
    assert luhn(number)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not luhn(wrong)


def test_entropy_and_classes() -> None:
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert math.isclose(entropy("abcd"), 2)
    assert [classes(text) for text in ("abc", "abC", "abC1", "abC1!", "a-b_c")] == [1, 2, 3, 4, 1]


@pytest.mark.parametrize(
    "value",
    [
        "your-api-key-here",
        "YOUR_TOKEN",
        "<token>",
        "${TOKEN}",
        "$TOKEN",
        "{{ secret }}",
        "%PASSWORD%",
        "xxxxxxxxxxxx",
        "****************",
        "changeme",
        "AKIAIOSFODNN7EXAMPLE",
        "00000000-0000-0000-0000-000000000000",
        "abcdefghijkl",
        "1234567890",
        "1234-1234-1234-9x",
        "[PASSWORD]",
        "...",
        "replace-me",
        "insert-token",
        "--------",
    ],
)
def test_placeholders(value: str) -> None:
    assert placeholder(value)
    assert not random_token(value, 8)
    assert not password(value)


@pytest.mark.parametrize("seed", range(40))
def test_what_chance_draws_is_no_placeholder(seed: int) -> None:
    for alphabet in (ALNUM, HEX, URLSAFE):
        assert not placeholder(drawn(32, alphabet, seed))
        assert random_token(drawn(32, alphabet, seed) + "7")
    assert random_token(some_uuid(seed))


def test_nearly_all_that_chance_draws_would_do_as_a_password() -> None:
    assert sum(password(drawn(12, ALNUM + "!#*_", seed) + "7") for seed in range(1000)) > 985


@pytest.mark.parametrize(
    "value",
    [
        "self.settings.api_key_v2",
        "get_token(user2)",
        "os.environ[name]",
        "https://example.com/a1b2",
        "/var/run/secrets/token1",
        "ada@example.com",
        "DATABASE_PASSWORD_2",
        "OAuth2TokenAuthTypedDict",
        "req_AKRi1dwGfphQBBi7dakpOLeI",
        "sha256:9f86d081884c7d65",
        "2024-05-06T10:11:12Z",
        "eu-west-1",
        "db1.internal.example.com:5432",
        "step-12-of-20",
    ],
)
def test_what_people_and_programs_write_is_not_drawn(value: str) -> None:
    assert written(value)
    assert not random_token(value, 8)


@pytest.mark.parametrize(
    "value",
    ["required", "password1", "string", "token2", "case-sensitive", "base64", "12/03/2024", "short", "user.password", "getPassword"],
)
def test_words_are_no_passwords(value: str) -> None:
    assert not password(value)


@pytest.mark.parametrize(
    "value", ["hunter" + "2024", "Tr0ub4dor" + "&3", "Winter" + "521*Mr9yb", "vnPKyNxn" + "ewyuG1", "CvBrbXoi" + "mHWICX"]
)
def test_passwords(value: str) -> None:
    assert password(value)


def test_shapes() -> None:
    assert uuid(some_uuid())
    assert hexadecimal(drawn(40, HEX))
    assert not hexadecimal("aB3")
    assert not random_token(drawn(12), 16)
