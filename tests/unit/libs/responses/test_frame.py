"""Response objects have every field of OpenAI's type."""

import msgspec
import pytest
from openai.types.responses import Response

from libs.responses.frame import Frame
from libs.responses.usage import usage_object


def frame(**request: object) -> Frame:
    return Frame(request, response_id="resp_1", request_id="req_1", created_at=1, model="m", metadata={"provider": "p"})


@pytest.mark.parametrize("request_", [
    {}, {"text": {"verbosity": "low"}, "reasoning": {"effort": "low"}, "conversation": "conv_1", "instructions": "x"},
    {"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}, {"type": "web_search"}], "tool_choice": "required"},
    {"temperature": None, "metadata": {"mine": "x"}, "completed_at": 5, "status": "failed", "output": [1], "moderation": {"model": "x"}},
])
def test_every_field_is_there_and_valid(request_: dict[str, object]) -> None:
    shown = frame(**request_).render({"usage": usage_object(input_tokens=1, output_tokens=2)}, status="completed")
    read = Response.model_validate_json(msgspec.json.encode(shown), strict=True)
    assert set(Response.model_fields) <= set(shown)
    assert (read.status, read.output, read.completed_at) == ("completed", [], None)
    assert shown["metadata"] == {"provider": "p"}
    assert shown["text"]["format"] == {"type": "text"}


def test_the_request_is_echoed_under_what_the_provider_said() -> None:
    shown = frame(temperature=0.2, top_p=0.5).render({"temperature": 0.9, "top_p": None, "id": "theirs", "model": "m-2026"}, status="completed")
    assert (shown["temperature"], shown["top_p"], shown["id"], shown["model"]) == (0.9, 0.5, "resp_1", "m-2026")


def test_ours_goes_over_everything() -> None:
    assert frame().render({"status": "failed"}, status="completed", completed_at=3)["completed_at"] == 3


def test_functions_show_their_defaults() -> None:
    [tool] = frame(tools=[{"type": "function", "name": "f", "strict": False}]).render({}, status="completed")["tools"]
    assert tool == {"type": "function", "name": "f", "strict": False, "description": None, "parameters": None}
