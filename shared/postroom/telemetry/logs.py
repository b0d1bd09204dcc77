"""Logs: one line per fact, JSON for machines, short text for a terminal; each with the message it is about."""

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import orjson

from postroom.privacy.redaction import redact


class LogContext(NamedTuple):
    """The message that the running task works on."""

    queue: str
    message_id: str | None
    trace_id: str | None


_context: ContextVar[LogContext | None] = ContextVar("postroom_log_context", default=None)
log_context = _context
"""Set by the worker around each message; every log line of the task carries it."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what the worker is doing."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON, without secrets."""
        context = _context.get()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if context is not None:
            line |= {name: value for name, value in context._asdict().items() if value is not None}
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


class TextFormatter(logging.Formatter):
    """`12:00:01 email INFO  email.send 6f2c…: text` for people."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as a short line, without secrets."""
        context = _context.get()
        about = f"{context.queue} {context.message_id or 'without id'}: " if context else ""
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        line = f"{moment} {self._service:<10} {record.levelname:<7} {about}{record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def set_up_logs(service: str, style: Literal["auto", "json", "text"], level: str) -> None:
    """Send this process's logs to standard error, in place of whatever was set up before."""
    is_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter(service) if is_text else JsonFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The client library reports each lost connection with a trace; the runtime says the same in one line.
    for chatty in ("aio_pika", "aiormq", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.ERROR if level != "DEBUG" else logging.INFO)
    for indiscreet in ("httpx", "httpcore", "aiosqlite"):  # they print queries of URLs and values of SQL statements
        logging.getLogger(indiscreet).setLevel(logging.WARNING)
