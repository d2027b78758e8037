"""What is asked for, all things considered: the model string, under the `router_*` fields, under the rules' actions."""

from collections.abc import Callable, Container

from msgspec import Struct

from libs.contracts.decisions import Mode, Target
from libs.contracts.models import parse_model

Offers = Callable[[str, str], bool]
"""Whether a provider has a model."""


class Wish(Struct, frozen=True, kw_only=True):
    """The provider and model to be used, where fixed, and the mode to score by."""

    provider: str | None
    model: str | None
    mode: Mode
    mode_named: bool = False
    """Somebody asked for this mode; otherwise it is the default."""
    dropped: list[str] = []
    """What had to give way, in words for a warning."""


def resolve(layers: list[Target], offers: Offers) -> Wish:
    """Merge the layers, weakest first. A stronger layer that names only a provider frees a model which that provider does not
    have, and the reverse; each such case is reported."""
    provider: str | None = None
    model: str | None = None
    mode: Mode | None = None
    dropped: list[str] = []
    for layer in (_parsed(layer, offers) for layer in layers):
        if layer.provider and not layer.model and model and not offers(layer.provider, model):
            dropped.append(f"model '{model}' is not at provider '{layer.provider}'; the router chose another")
            model = None
        if layer.model and not layer.provider and provider and not offers(provider, layer.model):
            dropped.append(f"provider '{provider}' does not have model '{layer.model}'; the provider was freed")
            provider = None
        provider, model, mode = layer.provider or provider, layer.model or model, layer.mode or mode
    return Wish(provider=provider, model=model, mode=mode or "balance", mode_named=mode is not None, dropped=dropped)


def split(layer: Target, providers: Container[str]) -> Target:
    """`groq/llama-3.3` names a provider that only the workers' settings know, so nobody before the router can tell it from a model
    whose id has a slash in it."""
    if layer.model is None or layer.provider is not None:
        return layer
    head, slash, model = layer.model.partition("/")
    if not slash or not model or head not in providers:
        return layer
    return Target(provider=head, model=None if model == "auto" else model, mode=layer.mode)


def _parsed(layer: Target, offers: Offers) -> Target:
    """`router_model` and `set_model` may themselves be written as `provider/model:mode`. At Groq and OpenRouter `openai/gpt-oss-120b`
    is the id."""
    if layer.model is None or (layer.provider is not None and offers(layer.provider, layer.model)):
        return layer
    inner = parse_model(layer.model)
    return Target(provider=layer.provider or inner.provider, model=inner.model, mode=layer.mode or inner.mode)
