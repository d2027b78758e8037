"""Opaque state comes back byte for byte, to its own workspace and origin only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.vault.envelopes import Envelopes, envelope_key, is_envelope

KEY = envelope_key("fake-vault-key")
OURS = Envelopes(KEY, "acme", "default")


@given(content=st.binary(max_size=3000))
def test_every_byte_comes_back(content: bytes) -> None:
    assert OURS.open(OURS.seal("anthropic", "claude", content), "anthropic", model="claude") == content


def test_another_worker_with_the_same_vault_key_opens_it() -> None:
    sealed = OURS.seal("gemini", "g", b"state")
    assert Envelopes(envelope_key("fake-vault-key"), "acme").open(sealed, "gemini") == b"state"


def test_p43_foreign_state_stays_closed() -> None:
    sealed = OURS.seal("anthropic", "claude", b"state")
    assert OURS.open(sealed, "gemini") is None
    assert OURS.open(sealed, "anthropic", model="claude-other") is None
    assert Envelopes(KEY, "umbrella").open(sealed, "anthropic") is None
    assert Envelopes(envelope_key("another"), "acme").open(sealed, "anthropic") is None
    assert Envelopes(envelope_key(""), "acme").open(sealed, "anthropic") is None


def test_p41_state_bound_to_an_account_stays_with_it() -> None:
    sealed = OURS.seal("openai", "gpt-5", b"state")
    other = Envelopes(KEY, "acme", "2")
    assert other.open(sealed, "openai", same_account=True) is None
    assert other.open(sealed, "openai") == b"state"
    assert OURS.open(sealed, "openai", same_account=True) == b"state"


def test_p44_nothing_of_the_state_is_readable_and_no_byte_can_be_changed() -> None:
    sealed = OURS.seal("anthropic", "claude", b"the-signature-itself")
    assert is_envelope(sealed)
    assert "signature" not in sealed
    for at in range(4, len(sealed)):
        forged = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        assert OURS.open(forged, "anthropic") is None or forged.rstrip("=")[:-1] == sealed.rstrip("=")[:-1]


@pytest.mark.parametrize("text", [None, 7, "", "gAAAAABo", "tr1.", "tr1.%%%", "tr1.AAAA", "tr1.é"])
def test_what_is_no_envelope_is_none(text: object) -> None:
    assert OURS.open(text, "anthropic") is None
