"""One sandbox for the whole session: it keeps nothing that a test could find but its counts and the prefixes it has seen."""

from collections.abc import Iterator

import pytest

from tests.sandbox_process import sandbox


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with sandbox() as url:
        yield url
