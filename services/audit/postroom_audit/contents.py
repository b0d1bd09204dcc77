"""What is kept of an event's fields: no secrets, masked addresses and numbers, at most 16 KiB."""

import re
from typing import Any

import orjson

from postroom.privacy.masking import mask_phone, mask_text
from postroom.privacy.redaction import hide_queries, names_a_secret, redact

MOST_BYTES = 16 * 1024
CUT = "…"
"""Stands for a value that was too large."""

_LONGEST_STRING = 2000
_MOST_ITEMS = 100  # of one list or object
_PHONE_NAME = re.compile(r"phone|mobile|msisdn", re.IGNORECASE)


def kept_fields(fields: dict[str, Any]) -> str:
    """`fields` as JSON text of at most MOST_BYTES that may be kept. The largest fields are left out first."""
    kept = _kept_object(fields)
    body = orjson.dumps(kept)
    if len(body) <= MOST_BYTES:
        return body.decode()
    sizes = {name: len(orjson.dumps({name: value})) for name, value in kept.items()}
    cut = dict.fromkeys(kept, CUT)
    room = MOST_BYTES - len(orjson.dumps(cut))
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room < 0:
            break
        del cut[name]
    short = orjson.dumps(kept | cut)
    return short.decode() if len(short) <= MOST_BYTES else "{}"  # of names alone


def kept_body(text: str) -> str:
    """`text`, a message's body, as it may be kept: as JSON where it is an object."""
    try:
        fields = orjson.loads(text)
    except ValueError:
        fields = None
    return kept_fields(fields) if isinstance(fields, dict) else kept_text(text)


def kept_text(value: str) -> str:
    """`value` masked, without secrets, and cut where it is long."""
    # Cut after masking, for half an address is recognised by no mask; but not all of 256 KiB is masked for that.
    head = value[: 2 * _LONGEST_STRING]
    if len(head) < len(value):
        head = head.rpartition(" ")[0] or head  # no half of an address at the end
    text = mask_text(hide_queries(redact(head)))
    return text if len(value) <= _LONGEST_STRING else f"{text[:_LONGEST_STRING]}{CUT} ({len(value)} characters)"


def _kept_object(fields: dict[str, Any]) -> dict[str, Any]:
    named = [(name, value) for name, value in fields.items() if not names_a_secret(name)]
    kept = {mask_text(name): _kept_under(name, value) for name, value in named[:_MOST_ITEMS]}
    return kept | ({CUT: f"{len(named) - _MOST_ITEMS} more"} if len(named) > _MOST_ITEMS else {})


def _kept_under(name: str, value: Any) -> Any:
    is_phone = isinstance(value, str | int) and not isinstance(value, bool) and _PHONE_NAME.search(name)
    return mask_phone(str(value)) if is_phone else _kept(value)


def _kept(value: Any) -> Any:
    match value:
        case dict():
            return _kept_object(value)
        case list():
            rest = [f"{CUT} {len(value) - _MOST_ITEMS} more"] if len(value) > _MOST_ITEMS else []
            return [_kept(item) for item in value[:_MOST_ITEMS]] + rest
        case str():
            return kept_text(value)
    return value
