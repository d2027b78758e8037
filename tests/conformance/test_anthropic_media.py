"""What images and files become at Anthropic."""

import msgspec
import pytest

from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.messages import WEATHER, Json, build, made_call, refused, result, user


def test_p26_p35_results_carry_images_and_errors() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    body, _ = build({"input": [user("go"), made_call("a"), result("a", [image], is_error=True)], "tools": [WEATHER]})
    block = body["messages"][2]["content"][0]
    assert block["is_error"] is True
    assert block["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": "AAAA"}


def test_p26_p34_results_carry_text_and_files_in_their_order() -> None:
    parts = [{"type": "input_text", "text": "see"}, {"type": "input_file", "file_data": "JVBERi0x"}, {"type": "input_text", "text": ""}]
    body, _ = build({"input": [user("go"), made_call("a"), result("a", parts)], "tools": [WEATHER]})
    assert [block["type"] for block in body["messages"][2]["content"][0]["content"]] == ["text", "document"]


def test_p31_detail_is_left_out_and_named() -> None:
    image = {"type": "input_image", "image_url": "https://example.com/a.png"}
    for detail, notes in (("high", 1), ("auto", 0), (None, 0)):
        parts = [image | {"detail": detail}] * 2
        body, adapted = build({"input": [{"type": "message", "role": "user", "content": parts}]})
        assert body["messages"][0]["content"][0] == {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
        assert len(adapted) == notes


@pytest.mark.parametrize("message", [
    "messages.0.content.1.image.source.base64.data: image exceeds 5 MB maximum: 5243200 bytes > 5242880 bytes",
    "messages.7.content.2.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels",
    "too many images and documents: 104 + 1 > 100", "messages.4.content.0.pdf.source.base64.data: A maximum of 100 PDF pages may be provided.",
    "Unable to download the file. Please verify the URL and try again.",
])
def test_p31_p32_limits_that_only_anthropic_has_send_the_request_elsewhere(message: str) -> None:
    body = msgspec.json.encode({"type": "error", "error": {"type": "invalid_request_error", "message": message}})
    failure = Anthropic().failure(400, {}, body)
    assert (failure.code, failure.fallback) == ("invalid_request", True)


def test_p31_images_by_address_and_by_data() -> None:
    parts = [
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
        {"type": "input_image", "image_url": "data:image/JPG;base64,AAAA"},
    ]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": parts}]})
    assert [block["source"] for block in body["messages"][0]["content"]] == [
        {"type": "url", "url": "https://example.com/a.png"}, {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
    ]


@pytest.mark.parametrize(("part", "fallback"), [
    ({"type": "input_image", "file_id": "file_1"}, True),
    ({"type": "input_image", "image_url": "data:image/heic;base64,AAAA"}, True),
    ({"type": "input_image", "image_url": "data:image/svg+xml;base64,AAAA"}, True),
    ({"type": "input_image", "image_url": "data:image/png,AAAA"}, False),
    ({"type": "input_file", "file_id": "file_1"}, True),
    ({"type": "input_file", "file_data": "data:application/zip;base64,AAAA"}, True),
    ({"type": "input_file", "file_data": "data:text/plain;base64,%%%"}, False),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, True),
])
def test_p32_media_that_cannot_be_sent_is_refused(part: Json, fallback: bool) -> None:
    failure = refused({"input": [{"type": "message", "role": "user", "content": [part]}]})
    assert failure.fallback is fallback
    assert failure.param is not None
    assert failure.param.startswith("input[0].content[0]")


@pytest.mark.parametrize(("part", "source"), [
    ({"file_data": "data:application/pdf;base64,JVBERi0x"}, {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}),
    ({"file_data": "JVBERi0x"}, {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}),
    ({"file_url": "https://example.com/a.pdf"}, {"type": "url", "url": "https://example.com/a.pdf"}),
    ({"file_data": "data:text/csv;base64,YSxi"}, {"type": "text", "media_type": "text/plain", "data": "a,b"}),
])
def test_p34_files_are_documents(part: Json, source: Json) -> None:
    content = [{"type": "input_file", "filename": "a.pdf"} | part]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": content}]})
    assert body["messages"][0]["content"] == [{"type": "document", "source": source, "title": "a.pdf"}]
