"""Why a request cannot be put to Gemini."""

from services.provider_worker.dialect import ProviderFailure


def cannot(what: str, param: str | None = None) -> ProviderFailure:
    """Gemini has no way to say this; another provider may have one."""
    return ProviderFailure(f"Gemini cannot express {what}", code="invalid_request", fallback=True, param=param)


def malformed(what: str, param: str | None = None) -> ProviderFailure:
    """No provider could make sense of this."""
    return ProviderFailure(what, code="invalid_request", fallback=False, param=param)
