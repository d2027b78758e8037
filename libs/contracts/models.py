"""How clients write models, modes and providers: `auto`, `auto:<mode>`, `model`, `model:mode`, `provider/model`."""

from typing import get_args

from libs.contracts.decisions import Mode, Target

PROVIDERS = ("openai", "anthropic", "gemini", "mistral", "deepseek")
MODES: tuple[Mode, ...] = get_args(Mode)
_MODES: dict[str, Mode] = {
    **{mode: mode for mode in MODES},
    "balanced": "balance", "fast": "latency", "speed": "latency",
}
_PROVIDERS: dict[str, str] = {**{provider: provider for provider in PROVIDERS}, "google": "gemini"}
DEFAULT_MODEL = "auto:balance"


def mode_of(text: str) -> Mode | None:
    """A mode's name or synonym, as the mode; None when it is neither."""
    return _MODES.get(text)


def provider_of(text: str) -> str | None:
    """A provider's id or synonym, as the id; None when it is neither."""
    return _PROVIDERS.get(text)


def glob_of(text: str) -> str:
    """A glob of `model` or `provider/model`, in lower case and with a provider's id for its synonym."""
    head, slash, tail = text.strip().lower().partition("/")
    return f"{_PROVIDERS.get(head, head)}{slash}{tail}" if slash else head


def parse_model(text: str) -> Target:
    """What a `model` string asks for. The order matters: a model id may itself contain `/` and `:`.

    1. `auto` or `auto:X`; 2. a mode after the last `:`; 3. a provider before the first `/` or `:`; 4. the rest is the model.
    """
    if text == "auto":
        # The default mode is not one that was asked for.
        return Target()
    head, colon, tail = text.rpartition(":")
    mode = _MODES.get(tail) if colon else None
    if mode is not None:
        if head == "auto":
            return Target(mode=mode)
        text = head
    for separator in ("/", ":"):
        provider = _PROVIDERS.get(text.partition(separator)[0])
        if provider is not None and separator in text:
            return _auto_of(provider, text.partition(separator)[2], mode)
    return Target(model=text, mode=mode)


def _auto_of(provider: str, model: str, mode: Mode | None) -> Target:
    """`openai/auto` leaves the model to the router, within the provider."""
    return Target(provider=provider, model=None if model == "auto" else model, mode=mode)
