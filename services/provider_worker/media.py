"""Puts images and files into a request that it names by URL, for providers that fetch nothing themselves."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.fetch import Fetcher, Media, Unfetched, Wanted

Json = dict[str, Any]

_FIELDS = {"input_image": "image_url", "input_file": "file_url"}
_HOLDERS = ("content", "output")
"""Where an input item keeps its parts: messages, results of tool calls."""


class Found(Struct, frozen=True):
    """A part with a URL."""

    item: int
    holder: str
    index: int
    wanted: Wanted

    @property
    def param(self) -> str:
        """As an error of OpenAI's names it."""
        return f"input[{self.item}].{self.holder}[{self.index}].{_FIELDS[self.wanted[0]]}"


async def inlined(
    request: Json, kinds: frozenset[str], fetch: Fetcher, reads: Callable[[str], bool] = lambda url: False
) -> tuple[Json, list[str]]:
    """The request with a data URL instead of each http(s) URL in parts of these `kinds` (`input_image`, `input_file`), but for those
    that the provider `reads` itself, and what was done, in words. Copies only what it changes. Raises ProviderFailure for what
    cannot be fetched; another provider might."""
    found = [one for one in _found(request, kinds) if not reads(one.wanted[1])]
    if not found:
        return request, []
    places = {one.wanted: one.param for one in reversed(found)}
    if len(places) > fetch.max_urls:
        raise _failure(found[-1].param, f"is one of {len(places)} URLs; at most {fetch.max_urls} are fetched for a request")
    try:
        media = await fetch.all(places)
    except Unfetched as error:
        raise _failure(places[error.wanted], str(error)) from error
    if sum(len(media[one.wanted].content) for one in found) > fetch.max_total:
        raise _failure(found[-1].param, f"makes the request larger than {fetch.max_total >> 20} MiB")
    return request | {"input": _replaced(request["input"], found, media)}, _notes(found)


def _found(request: Json, kinds: frozenset[str]) -> Iterator[Found]:
    items = request.get("input")
    if not kinds or not isinstance(items, list):
        return
    for number, item in enumerate(items):
        for holder in _HOLDERS:
            parts = item.get(holder) if isinstance(item, dict) else None
            for index, part in enumerate(parts if isinstance(parts, list) else ()):
                url = _url(part, kinds)
                if url:
                    yield Found(number, holder, index, (part["type"], url))


def _url(part: Any, kinds: frozenset[str]) -> str:
    if not isinstance(part, dict) or not any(part.get("type") == kind for kind in kinds) or part.get("file_data"):
        return ""
    url = part.get(_FIELDS[part["type"]])
    return url if isinstance(url, str) and url[:8].lower().startswith(("http://", "https://")) else ""


def _replaced(items: list[Any], found: list[Found], media: Mapping[Wanted, Media]) -> list[Any]:
    items = list(items)
    urls = {wanted: f"data:{one.type};base64,{b64encode(one.content).decode()}" for wanted, one in media.items()}
    for item, holder in {(one.item, one.holder) for one in found}:
        items[item] = items[item] | {holder: list(items[item][holder])}
    for one in found:
        parts = items[one.item][one.holder]
        parts[one.index] = _inline(parts[one.index], urls[one.wanted])
    return items


def _inline(part: Json, data_url: str) -> Json:
    if part["type"] == "input_image":
        return part | {"image_url": data_url}
    name = part.get("filename") or unquote(urlsplit(part["file_url"]).path).rpartition("/")[2] or "file"
    return {key: value for key, value in part.items() if key != "file_url"} | {"filename": name, "file_data": data_url}


def _notes(found: list[Found]) -> list[str]:
    notes = []
    for kind, word in (("input_image", "image"), ("input_file", "file")):
        count = sum(one.wanted[0] == kind for one in found)
        if count:
            what = f"1 {word} was" if count == 1 else f"{count} {word}s were"
            notes.append(f"{what} fetched and sent inline")
    return notes


def _failure(param: str, reason: str) -> ProviderFailure:
    return ProviderFailure(f"{param} {reason}", code="invalid_request", param=param)
