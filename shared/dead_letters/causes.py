"""What many dead letters have in common: their cause.

Two messages died of the same cause when queue, error type, place in the code and error text agree once everything
that differs from message to message (numbers, ids, addresses, times, quoted values) is folded away.
"""

import hashlib
import re
from dataclasses import dataclass

_KEY_LENGTH = 10
"""40 bits: among 10,000 causes two share a key with a chance of 1 in 20,000."""

_LONGEST_TEXT = 200

# SMTP and HTTP answer codes tell causes apart, so they stay where such a code stands: at the start, after a
# colon, after the protocol's name, or in brackets with its enhanced code (`(552 5.2.2 mailbox full)`).
_ANSWER_CODE = re.compile(
    r"(?:^|(?<=: )|(?<=HTTP )|(?<=SMTP ))[1-5]\d\d\b(?: [245]\.\d{1,3}\.\d{1,3}\b)?"
    r"|(?<=\()[245]\d\d [245]\.\d{1,3}\.\d{1,3}\b"
)

_FOLDS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+", "<url>"),
        (r"[^\s\"'<>(),;:=]+@[^\s\"'<>(),;:=]+", "<address>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<id>"),
        (r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", "<id>"),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b", "<host>"),
        (r"\[[0-9a-f:]*:[0-9a-f:]*\](?::\d+)?", "<host>"),
        (r"\b(?=\w*\d)(?=\w*[a-z])\w{10,}\b", "<id>"),
        (r"'[^']{1,200}'|\"[^\"]{1,200}\"", "<value>"),
        (r"\+?\d[\d.,]*", "<n>"),
    )
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why messages of one queue died. `key` is short, stable, and what `--group` takes; `error` is folded.

    `place` is where in the code it was raised; empty where nothing tells.
    """

    key: str
    queue: str
    error_type: str
    error: str
    place: str = ""


def cause_of(queue: str, error_type: str, error: str, place: str = "") -> Cause:
    """The cause of a death in `queue`. The same values fold to the same key, on every machine."""
    folded = fold(error)
    parts = (queue, error_type, folded, *([place] if place else []))
    digest = hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()
    return Cause(digest[:_KEY_LENGTH], queue, error_type, folded, place)


def fold(text: str) -> str:
    """`text` without what differs from message to message; one line of at most 200 characters."""
    line = " ".join(text[:4000].split())
    # Codes are spelt with letters while the numbers around them are folded, then spelt back.
    line = _ANSWER_CODE.sub(lambda match: _hide(match.group(0)), line)
    for pattern, name in _FOLDS:
        line = pattern.sub(name, line)
    line = line.translate(_SHOW)
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


_HIDDEN = range(0xE000, 0xE00A)  # private use characters: no error text has them, no fold matches them
_SHOW = {hidden: str(digit) for digit, hidden in enumerate(_HIDDEN)} | {0xE00A: "."}
_HIDE = str.maketrans({shown: chr(hidden) for hidden, shown in _SHOW.items()})


def _hide(code: str) -> str:
    return code.translate(_HIDE)
