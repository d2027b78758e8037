"""`reasoning` as Gemini's `thinkingConfig`: a level on newer models, a token budget on 2.5.

https://ai.google.dev/gemini-api/docs/generate-content/thinking
"""

from typing import Any

from services.provider_worker.dialects.gemini.models import Traits

Json = dict[str, Any]

# Google's own reading of OpenAI's efforts: https://ai.google.dev/gemini-api/docs/openai#thinking
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_DROPPED = "reasoning was dropped: this model has none"


def thinking(reasoning: Json, facts: Traits, max_tokens: int | None, adapted: list[str]) -> Json | None:
    """`thinkingConfig`, None for Gemini's default. Thinking counts against `max_tokens`."""
    effort = reasoning.get("effort")
    if facts.thinking == "none":
        if effort not in (None, "none"):
            adapted.append(_DROPPED)
        return None
    made: Json = {}
    if effort is not None:
        made = _budget(effort, facts, max_tokens, adapted) if facts.thinking == "budget" else _level(effort, facts, adapted)
    if (reasoning.get("summary") or reasoning.get("generate_summary")) and made.get("thinkingBudget") != 0:
        made["includeThoughts"] = True
    return made or None


def _budget(effort: str, facts: Traits, max_tokens: int | None, adapted: list[str]) -> Json:
    smallest, largest = facts.budget
    if effort == "none":
        if not facts.off:
            adapted.append("thinking cannot be switched off on this model; the smallest budget was asked for")
        return {"thinkingBudget": 0 if facts.off else smallest}
    wanted = min(max(_BUDGETS.get(effort, largest), smallest), largest)
    # At least half of what may be written is left for the answer.
    if max_tokens is None or wanted <= max_tokens // 2:
        return {"thinkingBudget": wanted}
    left = max_tokens // 2
    made = left if left >= smallest else 0 if facts.off else smallest
    adapted.append(f"the thinking budget was lowered to {made}: it counts against max_output_tokens")
    return {"thinkingBudget": made}


def _level(effort: str, facts: Traits, adapted: list[str]) -> Json:
    if effort == "none":
        adapted.append(f"thinking cannot be switched off on this model; the level {facts.levels[0]} was asked for")
        return {"thinkingLevel": facts.levels[0]}
    wanted = effort.upper() if effort.upper() in _LEVELS else "HIGH"
    above = [level for level in _LEVELS[_LEVELS.index(wanted):] if level in facts.levels]
    made = above[0] if above else facts.levels[-1]
    if made != effort.upper():
        adapted.append(f"reasoning.effort {effort} was sent as {made}")
    return {"thinkingLevel": made}
