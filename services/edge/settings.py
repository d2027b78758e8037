"""The edge's settings."""

from libs.bus.settings import BusSettings
from services.edge.formats.format import StreamFormat


class EdgeSettings(BusSettings, frozen=True, kw_only=True):
    """Fields are read from `TOKENROUTER_<FIELD>`."""

    host: str = "127.0.0.1"
    port: int = 8080
    max_body_bytes: int = 32 << 20
    request_timeout: float = 600.0
    """Seconds from admission to the last byte of the answer, whatever happens on the way."""
    background_timeout: float = 3600.0
    """Seconds that a background response may take."""
    dispatch_window: float = 2.0
    """Seconds a dispatched request may spend in the stages; after that it is published anew."""
    dispatch_patience: float = 12.0
    """Seconds after which a request that no stage answers for is given up with 503."""
    stream_format: StreamFormat = "openai"
    """Of streams whose request does not choose one."""
