"""One stack and one scripted provider for all modules here; tests that break the stack have their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.upstream import Upstream


@pytest.fixture(scope="package")
def upstream() -> Iterator[Upstream]:
    provider = Upstream()
    yield provider
    provider.close()


@pytest.fixture(scope="package")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    home = Path(tmp_path_factory.mktemp("stack")) / "home"
    stack = Stack(
        home, OPENAI_API_KEY="sk-fake-openai", OPENAI_BASE_URL=f"{upstream.url}/v1",
        ANTHROPIC_API_KEY="sk-ant-fake", ANTHROPIC_BASE_URL=upstream.url,
    ).start()
    yield stack
    stack.stop()


@pytest.fixture
def stack(shared_stack: Stack, upstream: Upstream) -> Stack:
    """The shared stack, with the provider's script as new."""
    upstream.reset()
    return shared_stack
