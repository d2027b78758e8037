"""What a call costs, exactly, in decimal dollars."""

from decimal import Decimal

from libs.contracts.decisions import Price, PriceTier

MILLION = Decimal(1_000_000)


def cost(
    price: Price | None, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0, cache_write_tokens: int = 0
) -> Decimal | None:
    """USD for a call; None when a rate that is needed is not known. No rate is needed for tokens that there are none of.

    Input includes cached and cache-written tokens, as OpenAI counts them. A tier's rate holds for all tokens of a request
    whose input is over its threshold. A missing cache rate falls back to the input rate: the list leaves it out where a
    provider makes no difference.
    """
    if not input_tokens and not output_tokens:
        return Decimal(0)
    if price is None:
        return None
    plain = _rate(price.input, price.input_tiers, input_tokens)
    # The list has no output rate for a model that makes embeddings.
    written = _rate(price.output, price.output_tiers, input_tokens) if output_tokens else Decimal(0)
    if plain is None or written is None:
        return None
    cached = _rate(price.cached_input, price.cached_input_tiers, input_tokens)
    cache_write = _rate(price.cache_write, price.cache_write_tiers, input_tokens)
    cached, cache_write = plain if cached is None else cached, plain if cache_write is None else cache_write
    fresh = max(input_tokens - cached_tokens - cache_write_tokens, 0)
    total = fresh * plain + cached_tokens * cached + cache_write_tokens * cache_write + output_tokens * written
    return total / MILLION


def _rate(base: str | None, tiers: list[PriceTier], input_tokens: int) -> Decimal | None:
    rate = base
    for tier in tiers:
        if input_tokens > tier.above:
            rate = tier.usd_per_mtok
    return None if rate is None else Decimal(rate)
