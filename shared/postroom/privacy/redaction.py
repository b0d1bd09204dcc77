"""Redacts secrets in logs, errors and dead letters: passwords inside URLs, tokens after their name."""

import re

HIDDEN = "•••"

_IN_URL = re.compile(r"(?<=://)([^/\s:@]{0,200}):[^@\s]{1,200}(?=@)")  # bounded: a crafted text must not take long
_AFTER_NAME = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key|authorization)\b[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"[^\s\"',;&]+",
    re.IGNORECASE,
)

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase|code)?$|secret|token|api[_-]?key|authorization|credential|cookie|signature|^otp|^pin$"
    r"|(^|_)code$|private[_-]?key|(reset|confirm\w*|verif\w*|activat\w*|login|magic|unsubscribe)[_-]?(url|link)",
    re.IGNORECASE,
)
_URL_TAIL = re.compile(r"(https?://[^\s?#\"'<>]+)[?#][^\s\"'<>]+", re.IGNORECASE)


def names_a_secret(field: str) -> bool:
    """Whether a field of this name holds a secret: `password`, `code`, `reset_url`."""
    return bool(_SECRET_NAME.search(field))


def hide_queries(text: str) -> str:
    """`text` with what comes after the path of each URL hidden: it may hold signatures and tokens."""
    return _URL_TAIL.sub(rf"\1?{HIDDEN}", text)


def redact(text: str) -> str:
    """`text` with what looks like a secret hidden: `amqp://user:•••@host`, `password=•••`."""
    return _AFTER_NAME.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1:{HIDDEN}", text))
