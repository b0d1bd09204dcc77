"""What is kept of the body of an event: it stays JSON, so that a query may look into it."""

from typing import Any

import orjson

from postroom.privacy.json_masking import MaskingLimits, masked_fields, masked_string

LIMITS = MaskingLimits(json_bytes=16 * 1024, string_characters=2000, items=100)


def kept_fields(fields: dict[str, Any]) -> str:
    """`fields` as JSON text within LIMITS that may be kept."""
    return orjson.dumps(masked_fields(fields, LIMITS)).decode()


def kept_body(text: str) -> str:
    """`text`, a message's body, as it may be kept: as JSON where it is an object."""
    try:
        fields = orjson.loads(text)
    except ValueError:
        fields = None
    return kept_fields(fields) if isinstance(fields, dict) else masked_string(text, LIMITS.string_characters)
