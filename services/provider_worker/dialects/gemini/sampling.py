"""How Gemini picks its tokens, where it stops, and what it tells of their odds: fields of `generationConfig`.

https://ai.google.dev/api/generate-content#generationconfig
"""

from typing import Any

from services.provider_worker.dialects.gemini.models import Traits
from services.provider_worker.dialects.settings import LOGPROBS, is_default, logprobs_asked, stop_strings

Json = dict[str, Any]

MOST_STOPS = 5
HOTTEST = 2
MOST_LOGPROBS = 20
# The API takes penalties from -2 up to, but not including, 2.
_PENALTIES = {"presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty"}
_HIGHEST_PENALTY = 1.99
SETTINGS = frozenset({"temperature", "top_p", "stop", "seed", "top_logprobs", *_PENALTIES})


def sampling(request: Json, facts: Traits, adapted: list[str]) -> Json:
    """The fields to send; what is left out or changed is said in `adapted`."""
    seed = request.get("seed")
    return {
        **_stops(request, adapted),
        **({} if seed is None else {"seed": seed}),
        **_temperature(request, facts, adapted),
        **_penalties(request, facts, adapted),
        **_logprobs(request, facts, adapted),
    }


def _stops(request: Json, adapted: list[str]) -> Json:
    stops = stop_strings(request)
    if len(stops) > MOST_STOPS:
        adapted.append(f"only the first {MOST_STOPS} stop strings were sent: Gemini takes no more")
    return {"stopSequences": stops[:MOST_STOPS]} if stops else {}


def _temperature(request: Json, facts: Traits, adapted: list[str]) -> Json:
    temperature, top_p = request.get("temperature"), request.get("top_p")
    if not facts.sampling:
        if temperature not in (None, 1) or top_p not in (None, 1):
            adapted.append("temperature and top_p were dropped: Gemini does not take them on this model")
        return {}
    made: Json = {} if top_p is None else {"topP": top_p}
    if temperature is not None:
        made["temperature"] = min(max(temperature, 0), HOTTEST)
        if made["temperature"] != temperature:
            adapted.append(f"temperature {temperature} was sent as {made['temperature']}: Gemini takes 0 to {HOTTEST}")
    return made


def _penalties(request: Json, facts: Traits, adapted: list[str]) -> Json:
    asked: Json = {name: request[name] for name in _PENALTIES if not is_default(name, request.get(name))}
    if not facts.penalties:
        if asked:
            adapted.append(f"dropped, not taken by Gemini on this model: {', '.join(sorted(asked))}")
        return {}
    sent = {name: min(max(value, -2), _HIGHEST_PENALTY) for name, value in asked.items()}
    adapted += [f"{name} {asked[name]} was sent as {value}" for name, value in sent.items() if value != asked[name]]
    return {_PENALTIES[name]: value for name, value in sent.items()}


def _logprobs(request: Json, facts: Traits, adapted: list[str]) -> Json:
    most = logprobs_asked(request)
    if most is None:
        return {}
    if not facts.logprobs:
        adapted.append(f"{LOGPROBS} was left out: Gemini tells no log probabilities on this model")
        return {}
    return {"responseLogprobs": True} | ({"logprobs": min(most, MOST_LOGPROBS)} if most else {})
