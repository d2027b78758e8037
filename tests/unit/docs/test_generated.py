"""The generated pages are what `make docs` would write now."""

import pytest

from docs.pages import PAGES
from tests.unit.docs.pages import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), f"docs/{name} is out of date: run make docs"
