"""What each message looks like on the bus, held fixed: a change here breaks services of another version.

`python -m tests.contracts.test_golden` writes the files anew after a deliberate change (a new tag, a new optional field).
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.bus.codec import decoder
from libs.contracts import state
from libs.contracts.message import Message
from tests.contracts.samples import KEPT, SAMPLES

GOLDEN = Path(__file__).parent / "golden"
ALL: list[msgspec.Struct] = [*SAMPLES, *KEPT]
BY_NAME = [message for message in ALL if not type(message).__struct_config__.array_like]
encode = msgspec.msgpack.encode


def kind(message: msgspec.Struct) -> str:
    """Its tag; what is kept has none, and goes by its class."""
    return str(type(message).__struct_config__.tag or f"kept_{type(message).__name__.lower()}")


def readable(message: msgspec.Struct) -> bytes:
    """The message as it travels, in JSON for the eye; bytes as base64."""
    return msgspec.json.format(msgspec.json.encode(msgspec.msgpack.decode(encode(message))), indent=2) + b"\n"


@pytest.mark.parametrize("message", ALL, ids=kind)
def test_encoding_is_as_recorded(message: msgspec.Struct) -> None:
    assert readable(message) == (GOLDEN / f"{kind(message)}.json").read_bytes()


@pytest.mark.parametrize("message", ALL, ids=kind)
def test_what_was_recorded_still_decodes(message: msgspec.Struct) -> None:
    recorded = msgspec.json.decode((GOLDEN / f"{kind(message)}.json").read_bytes())
    assert msgspec.convert(recorded, type(message), builtin_types=(), strict=True) == message
    assert decoder(type(message)).decode(encode(message)) == message


@pytest.mark.parametrize("message", BY_NAME, ids=kind)
def test_unknown_fields_of_a_newer_version_are_ignored(message: msgspec.Struct) -> None:
    newer: dict[str, Any] = msgspec.msgpack.decode(encode(message)) | {"added_later": 1}
    assert decoder(type(message)).decode(msgspec.msgpack.encode(newer)) == message


def test_every_kind_has_a_sample() -> None:
    def below(cls: type[Message]) -> set[str]:
        tag = cls.__struct_config__.tag
        return ({str(tag)} if tag else set()).union(*(below(sub) for sub in cls.__subclasses__()))

    named = {kind(message) for message in SAMPLES}
    assert below(Message) - {"Message", "Delta"} == named


def test_everything_that_is_kept_has_a_sample() -> None:
    own = {one for one in vars(state).values() if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == state.__name__}
    # Keeping travels in Admitted.
    assert own - {state.Keeping} == {type(one) for one in KEPT}


if __name__ == "__main__":
    for sample in ALL:
        (GOLDEN / f"{kind(sample)}.json").write_bytes(readable(sample))
    print(f"{len(ALL)} files in {GOLDEN}")
