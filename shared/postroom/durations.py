"""Lengths of time: read as people write them, written so that they can be read again, and said in words."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_WRITTEN = re.compile("".join(rf"(?:(\d+(?:\.\d+)?)\s*{unit}\s*)?" for unit in _SECONDS))
_SPOKEN = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def read_duration(text: str) -> timedelta:
    """The duration of `15m`, `1h30m`, `2d`, `1.5h`. Raises ValueError for anything else, and for what is too long."""
    match = _WRITTEN.fullmatch(text.strip())
    counts = match.groups() if match else ()
    if not any(counts):
        raise ValueError(f"write it as 15m, 1h30m or 2d, not {text!r}")
    try:
        return timedelta(seconds=sum(float(n) * size for n, size in zip(counts, _SECONDS.values(), strict=True) if n))
    except OverflowError:
        raise ValueError(f"{text!r} is too long") from None


def write_duration(duration: timedelta) -> str:
    """`duration` as a person writes it, `1h30m`; of fractions of a second as ISO 8601, `PT0.5S`."""
    seconds, text = duration.total_seconds(), ""
    if seconds != int(seconds) or seconds < 1:
        return f"PT{seconds:g}S"
    for unit in "dhms":
        count, seconds = divmod(seconds, _SECONDS[unit])
        text += f"{count:g}{unit}" if count else ""
    return text


def duration_in_words(seconds: float) -> str:
    """`340 ms`, `12 s`, `5 min 3 s`, `2 h 13 min`, `3 d 4 h`: two units at most."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    left, parts = round(seconds), list[str]()
    for unit, length in _SPOKEN:
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def rough_duration(duration: timedelta) -> str:
    """`95 s`, `12 min`, `3 d`: in the largest unit of which there are two, rounded down."""
    whole = max(0, int(duration.total_seconds()))
    unit, length = next(((unit, length) for unit, length in _SPOKEN if whole >= 2 * length), ("s", 1))
    return f"{whole // length} {unit}"


def _read_any(value: Any) -> Any:
    try:
        return read_duration(value) if isinstance(value, str) else value
    except ValueError:
        return value  # seconds, or ISO 8601: pydantic's


Duration = Annotated[
    timedelta, BeforeValidator(_read_any), PlainSerializer(write_duration, return_type=str, when_used="json")
]
"""`15m`, `1h30m`, `2d`, a number of seconds, or ISO 8601 (`PT15M`)."""
