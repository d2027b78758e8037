"""What an answer stands on, as `url_citation` annotations: Gemini counts in bytes of UTF-8, OpenAI in characters.

https://ai.google.dev/api/generate-content#Segment
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

from services.provider_worker.dialects.gemini.wire import Candidate, GroundingMetadata, Segment, Source

Json = dict[str, Any]


def annotations(text: str, candidates: list[Candidate]) -> list[Json]:
    """The citations of an answer's text, each once, in the order given."""
    characters = _scale(text)
    found: dict[tuple[str, int, int], Json] = {}
    for source, place in (cited for candidate in candidates for cited in _cited(candidate)):
        start, end = characters(place.start_index or 0), characters(place.end_index or 0)
        if source.uri and start < end:
            made = {"type": "url_citation", "url": source.uri, "title": source.title or "", "start_index": start, "end_index": end}
            found.setdefault((source.uri, start, end), made)
    return list(found.values())


def _cited(candidate: Candidate) -> Iterator[tuple[Source, Segment]]:
    if candidate.grounding_metadata is not None:
        yield from _grounded(candidate.grounding_metadata)
    recited = candidate.citation_metadata
    for citation in recited.sources if recited is not None else ():
        yield Source(citation.uri, citation.title), Segment(citation.start_index, citation.end_index)


def _grounded(metadata: GroundingMetadata) -> Iterator[tuple[Source, Segment]]:
    chunks = metadata.grounding_chunks or []
    for support in metadata.grounding_supports or ():
        for index in support.grounding_chunk_indices or ():
            if support.segment is not None and 0 <= index < len(chunks):
                chunk = chunks[index]
                yield chunk.web or chunk.maps or chunk.retrieved_context or Source(), support.segment


def _scale(text: str) -> Callable[[int], int]:
    """From an offset in bytes to one in characters."""
    ends = range(1, len(text) + 1) if text.isascii() else list(accumulate(len(character.encode()) for character in text))
    return lambda offset: bisect_right(ends, offset)
