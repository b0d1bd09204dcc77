"""Secrets that must never be seen in logs, errors or dead letters: passwords inside URLs, tokens after their name."""

import re

HIDDEN = "•••"

_IN_URL = re.compile(r"(?<=://)([^/\s:@]{0,200}):[^@\s]{1,200}(?=@)")  # bounded: a crafted text must not take long
_AFTER_NAME = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key|authorization)\b[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"[^\s\"',;&]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with what looks like a secret hidden: `amqp://user:•••@host`, `password=•••`."""
    return _AFTER_NAME.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1:{HIDDEN}", text))
