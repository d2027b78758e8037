"""A workspace's routing policy and a newer price list: over the API and from the shell, in force at once and without a restart."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import ROOT, Stack, until
from tests.price_list import as_bytes, model_of, published
from tests.upstream import Upstream

PROMPT = {"model": "auto:cost", "input": "hello"}


@pytest.fixture(autouse=True)
def no_policy(stack: Stack) -> Iterator[None]:
    yield
    call(stack, "DELETE", "routing/policy")


def call(stack: Stack, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{stack.url}/v1/{path}", json=body, headers=stack.auth, timeout=10)


def told(stack: Stack, body: dict[str, Any]) -> dict[str, Any]:
    answer = stack.post(body, **{"X-TokenRouter-Explain": "true"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["tokenrouter"]
    return found


def test_a_policy_steers_the_next_requests_and_is_gone_as_fast(stack: Stack, upstream: Upstream) -> None:
    before = told(stack, PROMPT)
    written = call(stack, "PUT", "routing/policy", {"deny": [f"{before['provider']}/*"]})
    assert written.status_code == 200, written.text
    until(lambda: told(stack, PROMPT)["provider"] != before["provider"], 1.0, "the policy")
    assert not [one for one in call(stack, "GET", "models").json()["data"] if one["owned_by"] == before["provider"]]
    denied = stack.post({"model": f"{before['provider']}/{before['model']}", "input": "hello"})
    assert denied.status_code == 422, denied.text
    after = told(stack, PROMPT)
    row = stack.row(after["request_id"], "JSONExtractInt(decision, 'policy_revision')")
    assert row == [str(written.json()["data"]["revision"])]
    assert call(stack, "DELETE", "routing/policy").json() == {"success": True}
    until(lambda: told(stack, PROMPT)["provider"] == before["provider"], 1.0, "the end of the policy")


def test_a_price_of_the_workspaces_own_decides(stack: Stack, upstream: Upstream) -> None:
    cheapest = told(stack, PROMPT)["model"]
    rates = dict.fromkeys(("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok"), "500")
    models = {f"openai/{cheapest}": rates}
    answer = call(stack, "PATCH", "routing/policy", {"models": models})
    assert answer.json()["data"]["policy"]["models"] == models
    until(lambda: told(stack, PROMPT)["model"] != cheapest, 1.0, "the price")
    [dear] = [one for one in told(stack, PROMPT)["candidates"] if one["model"] == cheapest]
    assert (dear["price_version"], dear["cost"]) == ("workspace", 0.0)
    shown = call(stack, "GET", f"models/{cheapest}").json()
    assert (shown["pricing"]["inputCostPerToken"], shown["pricing"]["version"], shown["overridden"]) == (0.0005, "workspace", ["price"])
    named = stack.post({"model": cheapest, "input": "hello"}).json()
    usage = named["usage"]
    assert named["tokenrouter"]["cost_usd"] == pytest.approx(0.0005 * (usage["input_tokens"] + usage["output_tokens"]))


def test_wrong_fields_are_422_and_named(stack: Stack) -> None:
    answer = call(stack, "PUT", "routing/policy", {"models": {"openai/gpt-4o": {"quality": 2}}})
    assert answer.status_code == 422
    assert (answer.json()["error"]["type"], answer.json()["error"]["param"]) == ("validation_error", "models.openai/gpt-4o.quality")
    assert httpx.get(f"{stack.url}/v1/routing/policy").status_code == 401


def test_newer_prices_come_into_force_without_a_restart_and_go_again(stack: Stack, tmp_path: Path, upstream: Upstream) -> None:
    raw, body = published(), {"model": "gpt-4o", "input": "hello"}
    model_of(raw, "openai", "gpt-4o")["prices"]["input_mtok"] = 2.25
    (tmp_path / "data.json").write_bytes(as_bytes(raw))
    old = told(stack, body)["candidates"][0]["price_version"]
    said = refresh(stack, "--file", str(tmp_path / "data.json"), "--date", "2026-11-20")
    assert "openai/gpt-4o input: 2.5 -> 2.25" in said
    until(lambda: told(stack, body)["candidates"][0]["price_version"].startswith("genai-prices 2026-11-20 "), 2.0, "the prices")
    pricing = until(lambda: (shown := call(stack, "GET", "models/gpt-4o").json()["pricing"])["checked"] == "2026-11-20" and shown, 2.0, "them")
    assert pricing["inputCostPerToken"] == 2.25e-06
    assert "back from genai-prices 2026-11-20" in refresh(stack, "--revert")
    until(lambda: told(stack, body)["candidates"][0]["price_version"] == old, 2.0, "the old prices")


def refresh(stack: Stack, *arguments: str) -> str:
    """As `make prices` runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "services.supervisor", "env", sys.executable, "-m", "services.bootstrap.prices", *arguments],
        cwd=ROOT, env=stack.environ, capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
