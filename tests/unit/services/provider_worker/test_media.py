"""Images and files by URL become data URLs, and nothing else changes."""

import copy
from collections.abc import Iterable
from typing import Any

import pytest

from services.provider_worker import media_types
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.gemini import Gemini
from services.provider_worker.fetch import Fetcher, Media, Unfetched, Wanted
from services.provider_worker.media import inlined

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
PDF = b"%PDF-1.7\n"
BOTH = frozenset({"input_image", "input_file"})
CAT, DOG, TERMS = "https://images.example/cat.png", "https://images.example/dog.png", "https://files.example/a/Terms%20of%20use.pdf?v=2"


class Web(Fetcher):
    """Has everything at once, except what `missing` names."""

    def __init__(self, missing: str = "", **bounds: Any) -> None:
        self.max_bytes, self.max_total, self.max_urls = 20 << 20, bounds.get("max_total", 50 << 20), bounds.get("max_urls", 20)
        self.missing = missing
        self.fetched: list[Wanted] = []

    async def all(self, wanted: Iterable[Wanted]) -> dict[Wanted, Media]:
        for one in wanted:
            if one[1] == self.missing:
                raise Unfetched(one, "could not be fetched")
            self.fetched.append(one)
        return {one: Media("image/png", PNG) if one[0] == "input_image" else Media("application/pdf", PDF) for one in self.fetched}


def image(url: str) -> dict[str, Any]:
    return {"type": "input_image", "detail": "low", "image_url": url}


def request(*parts: dict[str, Any], output: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    items: list[dict[str, Any]] = [
        {"type": "message", "role": "system", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is this?"}, *parts]},
    ]
    if output is not None:
        items.append({"type": "function_call_output", "call_id": "call_1", "output": output})
    return {"model": "m", "input": items, "temperature": 0.5}


async def test_p31_an_image_becomes_a_data_url() -> None:
    asked = request(image(CAT))
    before = copy.deepcopy(asked)
    made, notes = await inlined(asked, BOTH, Web())
    part = made["input"][1]["content"][1]
    assert part == {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,iVBORw0KGgoAAAAAAAAAAA=="}
    assert notes == ["1 image was fetched and sent inline"]
    assert asked == before
    assert made["input"][0] is asked["input"][0]
    assert made["input"][1]["content"][0] is asked["input"][1]["content"][0]


async def test_p31_a_file_becomes_data_with_a_name() -> None:
    made, notes = await inlined(request({"type": "input_file", "file_url": TERMS}), BOTH, Web())
    assert made["input"][1]["content"][1] == {
        "type": "input_file", "filename": "Terms of use.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjcK",
    }
    assert notes == ["1 file was fetched and sent inline"]


async def test_p31_a_files_own_name_is_kept_and_a_missing_one_made_up() -> None:
    named, nameless = ({"type": "input_file", "file_url": url} for url in (TERMS, "https://files.example/"))
    made, _ = await inlined(request(named | {"filename": "x.pdf"}, nameless), BOTH, Web())
    assert [part["filename"] for part in made["input"][1]["content"][1:]] == ["x.pdf", "file"]


async def test_p31_results_of_tools_too_and_each_url_once() -> None:
    web = Web()
    made, notes = await inlined(request(image(CAT), image(DOG), image(CAT), output=[image(CAT)]), BOTH, web)
    assert web.fetched == [("input_image", DOG), ("input_image", CAT)] or web.fetched == [("input_image", CAT), ("input_image", DOG)]
    assert made["input"][2]["output"][0]["image_url"].startswith("data:")
    assert notes == ["4 images were fetched and sent inline"]


@pytest.mark.parametrize("part", [
    image("data:image/png;base64,AAAA"), image("gs://bucket/cat.png"), image("file:///etc/passwd"), image("httpsx://x/"),
    {"type": "input_image", "file_id": "file_1"}, {"type": "input_image", "image_url": None}, {"type": "input_image", "image_url": 7},
    {"type": "input_file", "file_data": "data:,x", "file_url": TERMS}, {"type": "input_text", "text": CAT}, {"type": ["input_image"]},
])
async def test_p31_what_is_no_web_address_is_left_to_the_dialect(part: dict[str, Any]) -> None:
    asked, web = request(part), Web()
    assert await inlined(asked, BOTH, web) == (asked, [])
    assert web.fetched == []


@pytest.mark.parametrize("odd", ["just text", [], ["text", None, {"content": [None, 7]}, {"output": {"a": 1}}], None])
async def test_p31_other_forms_of_input_pass(odd: Any) -> None:
    asked = {"model": "m", "input": odd}
    assert await inlined(asked, BOTH, Web()) == (asked, [])


async def test_p31_only_the_kinds_that_the_provider_does_not_fetch() -> None:
    asked, web = request(image(CAT), {"type": "input_file", "file_url": TERMS}), Web()
    assert await inlined(asked, frozenset(), web) == (asked, [])
    made, _ = await inlined(asked, frozenset({"input_file"}), web)
    assert made["input"][1]["content"][1]["image_url"] == CAT
    assert web.fetched == [("input_file", TERMS)]


async def test_p31_what_the_provider_reads_itself_is_left_to_it() -> None:
    asked, web = request(image(CAT), {"type": "input_file", "file_url": TERMS}, output=[image(DOG)]), Web(missing=CAT)
    made, notes = await inlined(asked, BOTH, web, lambda url: url == CAT)
    assert made["input"][1]["content"][1] == image(CAT)
    assert made["input"][1]["content"][2]["file_data"].startswith("data:")
    assert set(web.fetched) == {("input_file", TERMS), ("input_image", DOG)}
    assert notes == ["1 image was fetched and sent inline", "1 file was fetched and sent inline"]
    assert await inlined(asked, BOTH, Web(), lambda url: True) == (asked, [])


async def test_p31_what_the_provider_reads_itself_does_not_count_as_fetched() -> None:
    parts = [image(f"https://images.example/{number}.png") for number in range(4)]
    made, notes = await inlined(request(*parts, image(CAT)), BOTH, Web(max_urls=1), lambda url: url != CAT)
    assert [part["image_url"][:5] for part in made["input"][1]["content"][1:]] == ["https"] * 4 + ["data:"]
    assert notes == ["1 image was fetched and sent inline"]


@pytest.mark.parametrize(("url", "reads"), [
    ("https://generativelanguage.googleapis.com/v1beta/files/abc", True), ("https://www.youtube.com/watch?v=9hE5-98ZeCg", True),
    ("https://youtu.be/9hE5-98ZeCg", True), (CAT, False), ("https://www.youtube.com.evil.example/watch?v=1", False),
    ("https://evil.example/https://www.youtube.com/watch?v=1", False),
])
async def test_p31_gemini_reads_googles_own_addresses_and_no_others(url: str, reads: bool) -> None:
    gemini, web = Gemini(), Web()
    asked = request({"type": "input_file", "file_url": url})
    made, _ = await inlined(asked, gemini.inlines, web, gemini.fetches)
    assert (made == asked, web.fetched == []) == (reads, reads)


async def test_p31_what_cannot_be_fetched_is_named_and_another_provider_may_try() -> None:
    with pytest.raises(ProviderFailure) as caught:
        await inlined(request(image(CAT), output=[image(CAT), image(DOG), image(DOG)]), BOTH, Web(missing=DOG))
    failure = caught.value
    assert (failure.code, failure.param, failure.fallback, failure.billing) == ("invalid_request", "input[2].output[1].image_url", True, "none")
    assert failure.message == "input[2].output[1].image_url could not be fetched"


async def test_p31_more_urls_than_are_fetched_are_refused_before_the_first() -> None:
    web = Web(max_urls=3)
    parts = [image(f"https://images.example/{number}.png") for number in range(4)]
    with pytest.raises(ProviderFailure, match="at most 3 are fetched") as caught:
        await inlined(request(*parts), BOTH, web)
    assert (caught.value.code, web.fetched) == ("invalid_request", [])
    assert (await inlined(request(*parts[:3]), BOTH, web))[1] == ["3 images were fetched and sent inline"]


async def test_p31_one_image_many_times_is_counted_each_time() -> None:
    with pytest.raises(ProviderFailure, match="larger than"):
        await inlined(request(*[image(CAT)] * 100), BOTH, Web(max_total=99 * len(PNG)))


@pytest.mark.parametrize(("content", "found"), [
    (PNG, "image/png"), (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"), (b"GIF87a..", "image/gif"), (b"GIF89a..", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"), (b"\0\0\0\x18ftypheic", "image/heic"), (b"\0\0\0\x18ftypmif1", "image/heif"),
    (b"RIFF\x24\0\0\0WAVEfmt ", None), (b"\0\0\0\x18ftypmp42", None), (b"<svg xmlns=", None), (b"<!DOCTYPE html>", None), (b"", None),
])
@pytest.mark.parametrize("declared", ["", "application/octet-stream", "image/png", "image/svg+xml"])
def test_p31_the_bytes_decide_what_an_image_is(declared: str, content: bytes, found: str | None) -> None:
    assert media_types.image(declared, content) == found


@pytest.mark.parametrize("declared", ["text/html", "application/json", "application/pdf", "video/mp4"])
def test_p31_what_is_declared_to_be_something_else_is_no_image(declared: str) -> None:
    assert media_types.image(declared, PNG) is None


@pytest.mark.parametrize(("declared", "content", "found"), [
    ("application/pdf", PDF, "application/pdf"), ("", PDF, "application/pdf"), ("binary/octet-stream", b"\n\n" + PDF, "application/pdf"),
    ("text/csv", "größe,1".encode(), "text/csv"), ("", b"plain", "text/plain"), ("application/pdf", b"<html>", None),
    ("text/plain", b"\xff\xfe", None), ("text/plain", b"a\0b", None), ("", b"\x7fELF\0", None), ("application/zip", b"PK", None),
    ("image/svg+xml", b"<svg>", None), ("image/png", PNG, None),
])
def test_p31_files_are_pdf_or_text(declared: str, content: bytes, found: str | None) -> None:
    assert media_types.file(declared, content) == found
