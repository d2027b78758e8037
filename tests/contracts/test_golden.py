"""What each message looks like on the bus, held fixed: a change here breaks services of another version.

`python -m tests.contracts.test_golden` writes the files anew after a deliberate change (a new tag, a new optional field).
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.bus.codec import decoder, encode
from libs.contracts.message import Message
from tests.contracts.samples import SAMPLES

GOLDEN = Path(__file__).parent / "golden"


def kind(message: Message) -> str:
    return str(type(message).__struct_config__.tag)


def readable(message: Message) -> bytes:
    """The message as it travels, in JSON for the eye; bytes as base64."""
    return msgspec.json.format(msgspec.json.encode(msgspec.msgpack.decode(encode(message))), indent=2) + b"\n"


@pytest.mark.parametrize("message", SAMPLES, ids=kind)
def test_encoding_is_as_recorded(message: Message) -> None:
    assert readable(message) == (GOLDEN / f"{kind(message)}.json").read_bytes()


@pytest.mark.parametrize("message", SAMPLES, ids=kind)
def test_what_was_recorded_still_decodes(message: Message) -> None:
    recorded = msgspec.json.decode((GOLDEN / f"{kind(message)}.json").read_bytes())
    assert msgspec.convert(recorded, type(message), builtin_types=(), strict=True) == message
    assert decoder(type(message)).decode(encode(message)) == message


@pytest.mark.parametrize("message", SAMPLES, ids=kind)
def test_unknown_fields_of_a_newer_version_are_ignored(message: Message) -> None:
    newer: dict[str, Any] = msgspec.msgpack.decode(encode(message)) | {"added_later": 1}
    assert decoder(type(message)).decode(msgspec.msgpack.encode(newer)) == message


def test_every_kind_has_a_sample() -> None:
    def below(cls: type[Message]) -> set[str]:
        tag = cls.__struct_config__.tag
        return ({str(tag)} if tag else set()).union(*(below(sub) for sub in cls.__subclasses__()))

    named = {kind(message) for message in SAMPLES}
    assert below(Message) - {"Message", "Delta"} == named


if __name__ == "__main__":
    for sample in SAMPLES:
        (GOLDEN / f"{kind(sample)}.json").write_bytes(readable(sample))
    print(f"{len(SAMPLES)} files in {GOLDEN}")
