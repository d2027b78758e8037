"""Who is calling."""

import hashlib

import msgspec
import pytest

from libs.contracts.errors import Unauthorized
from libs.contracts.policies import ApiKey
from services.edge.keys import Keys

SECRET = "tr_fake"


def known(revoked: bool = False) -> Keys:
    keys = Keys()
    keys.apply(_hash(SECRET), msgspec.json.encode(ApiKey(id="key_1", workspace="default", name="fake", created_at=1.0, revoked=revoked)), 1)
    return keys


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {SECRET}"}, {"authorization": f"bearer  {SECRET} "}, {"x-api-key": SECRET},
        {"authorization": f"Bearer {SECRET}", "x-api-key": "tr_fake_other"},
    ],
    ids=str,
)
def test_a_key_is_known_in_either_header(headers: dict[str, str]) -> None:
    assert known().caller(headers).id == "key_1"


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": ""}, {"x-api-key": ""}, {"authorization": SECRET}, {"authorization": "Bearer "}, {"authorization": f"Basic {SECRET}"},
        {"authorization": "Bearer tr_fake_other"}, {"x-api-key": "tr_fake_other"},
        # The header that is meant for us counts, even where it is wrong.
        {"authorization": "Bearer tr_fake_other", "x-api-key": SECRET},
    ],
    ids=str,
)
def test_everything_else_is_a_401(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized) as raised:
        known().caller(headers)
    assert raised.value.info.status == 401


def test_a_revoked_and_a_removed_key_open_nothing() -> None:
    with pytest.raises(Unauthorized):
        known(revoked=True).caller({"x-api-key": SECRET})
    keys = known()
    keys.apply(_hash(SECRET), None, 2)
    with pytest.raises(Unauthorized):
        keys.caller({"x-api-key": SECRET})
