"""One JSON object a line on stderr. Never a prompt, a key or a provider's error body."""

import logging
import sys
import time
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Fields passed with `extra=` stand beside the message."""

    def __init__(self, service: str, instance: str) -> None:
        super().__init__()
        self._fixed = {"service": service, "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": round(record.created, 6),
            "level": record.levelname.lower(),
            **self._fixed,
            "event": record.getMessage(),
        }
        line.update((name, value) for name, value in record.__dict__.items() if name not in _STANDARD)
        if record.exc_info:
            line["exception"] = _where(record.exc_info)
        return _encode(line).decode()


def _where(exc_info: Any) -> str:
    """Type and place of an exception, without its text: messages of decoding errors quote the payload."""
    kind, _, trace = exc_info
    places = []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{getattr(kind, '__name__', kind)} at {' < '.join(reversed(places[-6:]))}"


class AccessLog:
    """The line a finished request leaves, written past the logging machinery: one per request, and never filtered."""

    def __init__(self, service: str, instance: str) -> None:
        self._fixed = {"level": "info", "service": service, "instance": instance}

    def __call__(self, event: str, **fields: Any) -> None:
        sys.stderr.buffer.write(_encode({"time": round(time.time(), 6), **self._fixed, "event": event, **fields}) + b"\n")
        sys.stderr.buffer.flush()


def configure(service: str, instance: str, level: str) -> logging.Logger:
    """Route all logging of the process through the JSON formatter; returns the service's logger."""
    # What these look up for each record is not in our lines (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service, instance))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream", "nats", "httpx", "litestar"):
        logger = logging.getLogger(noisy)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel("WARNING")
    return logging.getLogger("tokenrouter")
