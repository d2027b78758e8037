"""What a caller thinks of an answer."""

from openai import BaseModel


class Feedback(BaseModel):
    """As it is on record. A later one by the same API key on the same response takes its place."""

    id: str
    response_id: str
    request_id: str
    score: float
    """From 0, useless, to 1, as good as can be."""
    label: str | None = None
    comment: str | None = None
    created_at: int
    """Unix seconds."""
