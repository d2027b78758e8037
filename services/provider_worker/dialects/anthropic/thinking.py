"""`reasoning.effort` as Anthropic's thinking: a level of effort on newer models, a token budget on older ones."""

from typing import Any

from services.provider_worker.dialects.anthropic.models import Traits

Json = dict[str, Any]

# Tokens to think with on models that take a budget; at least 1024 and less than max_tokens.
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 32_768}
SMALLEST_BUDGET = 1024
# With thinking off, some models take no more than this effort.
_CALM = ("low", "medium", "high")


def thinking(
    reasoning: Json, traits: Traits, *, max_tokens: int, forced: bool, resumable: bool, adapted: list[str]
) -> tuple[Json | None, str | None]:
    """`thinking` and `output_config.effort`, None for Anthropic's default.

    `forced`: a tool must be called, which excludes thinking. `resumable`: the history holds the thinking that a budget needs.
    """
    effort = reasoning.get("effort")
    if traits.thinking == "none":
        if effort not in (None, "none"):
            adapted.append("reasoning was dropped: this model has none")
        return None, None
    if traits.thinking == "budget":
        return _budget(effort, max_tokens, forced, resumable, adapted), None
    return _adaptive(reasoning, effort, traits, forced, adapted)


def _budget(effort: str | None, max_tokens: int, forced: bool, resumable: bool, adapted: list[str]) -> Json | None:
    wanted = _BUDGETS.get(effort or "none")
    if wanted is None:
        return None
    if forced:
        adapted.append("thinking was left off: this model cannot think when a tool call is forced")
        return None
    if not resumable:
        adapted.append("thinking was left off for this step: the call being answered was made without it")
        return None
    budget = min(wanted, max_tokens // 2)
    if budget < SMALLEST_BUDGET:
        adapted.append("thinking was left off: max_output_tokens is too small for it")
        return None
    return {"type": "enabled", "budget_tokens": budget}


def _adaptive(
    reasoning: Json, effort: str | None, traits: Traits, forced: bool, adapted: list[str]
) -> tuple[Json | None, str | None]:
    if effort == "none":
        return _off(traits, adapted)
    level = _level(effort, traits, adapted)
    if forced and (effort is not None or traits.by_default):
        adapted.append("thinking was switched off: it excludes a forced tool call")
        return {"type": "disabled"}, level if level in _CALM else None
    summary = reasoning.get("summary") or reasoning.get("generate_summary")
    if effort is None and not (summary and traits.by_default):
        return None, None
    made: Json = {"type": "adaptive"}
    if summary:
        made["display"] = "summarized"
    return made, level


def _off(traits: Traits, adapted: list[str]) -> tuple[Json | None, str | None]:
    if traits.off is not None:
        return {"type": traits.off}, None
    adapted.append("thinking cannot be switched off on this model; the lowest effort was asked for")
    return None, traits.efforts[0]


def _level(effort: str | None, traits: Traits, adapted: list[str]) -> str | None:
    if effort is None or effort in traits.efforts:
        return effort
    nearest = {"minimal": "low", "xhigh": "high"}.get(effort, "high")
    adapted.append(f"reasoning.effort {effort} was sent as {nearest}")
    return nearest
