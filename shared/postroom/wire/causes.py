"""What many dead letters have in common: their cause.

Two messages died of the same cause when queue, error type, place in the code and error text agree once everything
that differs from message to message (numbers, ids, addresses, times, quoted values) is folded away.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

_KEY_LENGTH = 10
"""40 bits: among 10,000 causes two share a key with a chance of 1 in 20,000."""

_LONGEST_TEXT = 200
_LONGEST_LOOK = 1200  # a little more than a worker writes; what stands behind is not looked at

# SMTP and HTTP reply codes distinguish causes, so they are kept where such a code can be: at the start, after a
# colon, after the protocol's name, or in brackets with its enhanced code (`(552 5.2.2 mailbox full)`).
_ANSWER_CODE = re.compile(
    r"(?:^|(?<=: )|(?<=HTTP )|(?<=SMTP ))[1-5]\d\d\b(?:[ -][245]\.\d{1,3}\.\d{1,3}\b)?"
    r"|(?<=\()[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3}\b"
)

_WORD = r"[^\W_]+"
_TOKEN = rf"[-_]{{0,2}}{_WORD}(?:[-._]+{_WORD})*[-_]{{0,2}}"
_KIND = re.compile(r"(?:[a-z]{3,}[-._]+)*")  # `order-`, `cus_`: says what the id is of
_ENDING = re.compile(r"(?:\.[a-z]{2,})*$")  # `.example.com`, `.pdf`

# A lower-case word before an address may be any word of the sentence, and so may one that stands alone.
_NAME = r"[^\W\d_a-z][\w.'\u2019-]*"
_PERSON = rf"(?-i:(?<![\w.'\u2019-]){_NAME}(?: (?:[a-z]{{1,3}} )?{_NAME}){{1,4}} )|\"[^\"]{{1,100}}\" ?"


def _fold_token(match: re.Match[str]) -> str:
    """`<id>` for what mixes letters and digits as no word does; `base64`, `smtp2-out3` and `10MB` are words."""
    token = match.group(0)
    kind, ending = _KIND.match(token), _ENDING.search(token)
    begin, end = kind.end() if kind else 0, ending.start() if ending else len(token)
    return f"{token[:begin]}<id>{token[end:]}" if _is_id(token[begin:end]) else token


def _is_id(token: str) -> bool:
    parts = re.findall(_WORD, token)
    mixed = [part for part in parts if _switches(part)]
    if any(len(part) >= 10 or (len(part) >= 5 and _switches(part) > 1) for part in mixed):
        return True
    # `1rABcD-0003xY-2F`; and letters alone, with more capitals in their midst than names of classes have.
    is_joined = len(mixed) > 1 and any(part[0].isdigit() for part in mixed)
    return is_joined or any(len(part) >= 10 and 5 * _capitals(part) > len(part) for part in parts)


def _switches(part: str) -> int:
    """How often letters follow digits, or digits letters."""
    return sum(one.isdigit() != other.isdigit() for one, other in pairwise(part))


def _capitals(part: str) -> int:
    return sum(one.islower() and other.isupper() for one, other in pairwise(part))


_FOLDS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), folded)
    for pattern, folded in (
        (r"[a-z][a-z0-9+.-]{0,30}://[^\s\"'<>]+", "<url>"),
        (rf"(?:{_PERSON})?<[^\s<>@]+@[^\s<>]+>", "<address>"),
        (r"(?<![^\s\"'<>(),;:=])[^\s\"'<>(),;:=]+@[^\s\"'<>(),;:=]+", "<address>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<id>"),
        (r"(?<=/tmp/)[^\s/:,;'\"()]+|(?<=[/\\])tmp\.?\w{6,}", "<id>"),
        (_TOKEN, _fold_token),
        (r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", "<id>"),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b", "<host>"),
        (r"\[[0-9a-f:]*:[0-9a-f:]*\](?::\d+)?", "<host>"),
        (r"'[^']{1,200}'|\"[^\"]{1,200}\"", "<value>"),
        (r"\+?\d(?:[\d.,]*\d)?", "<n>"),
    )
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why messages of one queue died. `key` is short, stable, and what `--group` takes; `error` is folded.

    `place` is where in the code it was raised; empty where it is not known.
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
    line = " ".join(text[:_LONGEST_LOOK].split())
    # Codes are spelt with letters while the numbers around them are folded, then spelt back.
    line = _ANSWER_CODE.sub(lambda match: _hide(match.group(0)), line)
    for pattern, folded in _FOLDS:
        line = pattern.sub(folded, line)
    line = line.translate(_SHOW)
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


_HIDDEN = range(0xE000, 0xE00A)  # private use characters: no error text has them, no fold matches them
_SHOW = {hidden: str(digit) for digit, hidden in enumerate(_HIDDEN)} | {0xE00A: "."}
_HIDE = str.maketrans({shown: chr(hidden) for hidden, shown in _SHOW.items()})


def _hide(code: str) -> str:
    return code.translate(_HIDE)
