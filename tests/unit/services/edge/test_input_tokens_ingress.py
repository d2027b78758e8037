"""What of a Responses request is counted."""

from libs.responses.canonical import canonical
from services.edge.ingress.input_tokens import request_of


def test_what_a_model_reads_stays_and_the_rest_goes() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    counted = {
        "model": "gpt-4o", "input": [{"role": "user", "content": "Hi"}], "instructions": "Be brief", "tools": [tool], "tool_choice": "auto",
        "reasoning": {"effort": "low"}, "text": {"format": {"type": "text"}}, "previous_response_id": "resp_1", "router_provider": "openai",
    }
    rest = {
        "stream": True, "store": True, "background": True, "max_output_tokens": 5, "temperature": 9, "include": ["x"], "personality": "dry",
        "stop": ["x"], "prompt": {"id": "pmpt_1"},
    }
    assert request_of(counted | rest) == counted
    assert canonical(request_of({"model": "gpt-4o", "input": "Hi"} | rest)) == {"model": "gpt-4o", "input": "Hi"}
