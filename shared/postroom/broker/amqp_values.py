"""Reads the properties and headers that other programs wrote, whatever is in them, and can write them again.

The client library's reading raises on a header name that is not UTF-8 or a time after the year 9999, and with that
loses the whole connection: one such message, delivered again and again, would stop every queue of a service. And
of what it does read, it cannot write everything: bytes, large floats. Here no value fails.
"""

import struct
from decimal import Decimal
from typing import Any

from pamqp import decode, encode

DEEPEST = 16
"""Tables and lists within a header beyond this depth are read as nothing; reading them could exhaust the stack."""


UNREADABLE = "\ufffd"
"""Stands where a short text was not UTF-8."""


def tolerate_any_value() -> None:
    """From now on the client library reads every property and header in this process. Safe to call again."""
    decode.METHODS.update({"shortstr": _short_text, "timestamp": _time, "table": _table})
    decode.TABLE_MAPPING.update({b"S": _long_text, b"T": _time, b"D": _decimal})
    encode.encode_table_value = _encode


def _short_text(value: bytes) -> tuple[int, str]:
    end = value[0] + 1
    raw = value[1:end]
    try:
        return end, raw.decode()
    except UnicodeDecodeError:
        # Three bytes for each that was wrong, cut off at what a short text may have when it is written again.
        return end, raw.decode(errors="replace").encode()[:255].decode(errors="ignore")


def _long_text(value: bytes) -> tuple[int, Any]:
    end, text = decode.long_str(value)
    return end, text if isinstance(text, str) else bytearray(text)  # which can be written again, bytes cannot


def _time(value: bytes) -> tuple[int, Any]:
    try:
        return decode.timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, None  # as if it were not there


def _decimal(value: bytes) -> tuple[int, Decimal]:
    scale, unscaled = struct.unpack(">Bi", value[:5])  # signed, as it is written
    return 5, Decimal(unscaled).scaleb(-scale)


def _table(value: bytes, depth: int = 0) -> tuple[int, dict[str, Any]]:
    end, offset = _length(value), 4
    fields: dict[str, Any] = {}
    while offset < end:
        consumed, name = _short_text(value[offset : offset + 256])
        offset += consumed
        consumed, fields[name] = _value(value[offset:end], depth)
        offset += consumed
    return end, fields


def _list(value: bytes, depth: int) -> tuple[int, list[Any]]:
    end, offset = _length(value), 4
    items: list[Any] = []
    while offset < end:
        consumed, item = _value(value[offset:end], depth)
        offset += consumed
        items.append(item)
    return end, items


def _value(value: bytes, depth: int) -> tuple[int, Any]:
    kind, rest = value[:1], value[1:]
    if kind not in (b"F", b"A"):
        return decode.embedded_value(value)
    if depth >= DEEPEST:
        return _length(rest) + 1, None
    consumed, item = _table(rest, depth + 1) if kind == b"F" else _list(rest, depth + 1)
    return consumed + 1, item


def _length(value: bytes) -> int:
    return int.from_bytes(value[:4], "big") + 4


_library_s_encode = encode.encode_table_value


def _encode(value: Any) -> bytes:
    if isinstance(value, float):
        return b"d" + encode.double(value)  # the library writes 32 bits, which are less exact and overflow
    return _library_s_encode(value)
