"""Clients whose packages do not go together with those of the tests: each runs in a process with its own.

The two published TokenRouter SDKs have one name; the Agents SDK wants an older websockets than the edge.
"""

from collections.abc import Callable

import pytest

Run = Callable[[str, str, str], None]


@pytest.mark.parametrize("function", ["responses", "chat_completions", "chained"])
def test_openai_agents(run: Run, function: str) -> None:
    run("openai-agents-0.24.0", f"openai_agents.{function}", "/v1")


@pytest.mark.parametrize(
    "function",
    [
        "responses", "input_as_parts", "tools", "output_with_a_schema", "streams", "replay", "rules", "asynchronously", "errors",
        "base_url_with_v1",
    ],
)
def test_tokenrouter_1(run: Run, function: str) -> None:
    run("tokenrouter-1.2.1", f"tokenrouter_1.{function}", "")


@pytest.mark.parametrize(
    "function", ["responses", "streams", "chat", "embeddings", "models", "asynchronously", "errors", "bare_host"]
)
def test_tokenrouter_2(run: Run, function: str) -> None:
    run("tokenrouter-2.0.0", f"tokenrouter_2.{function}", "/v1")
