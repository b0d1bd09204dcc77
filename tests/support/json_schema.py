"""Checks a value against a JSON Schema: the keywords that our schemas use, and an error for any other.

What programs in other languages would do with an exported schema. A keyword that is new here fails, so that no
schema passes because nobody looked.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Schema = Mapping[str, Any] | bool
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
NO_CONSTRAINT = {"$schema", "$defs", "title", "description", "default", "properties"}


def is_valid(schema: Schema, value: Any, root: Mapping[str, Any] | None = None) -> bool:
    """Whether `value` is what the schema describes."""
    if isinstance(schema, bool):
        return schema
    root = root if root is not None else schema
    parts = schema.get("properties", {}) if isinstance(value, dict) else {}
    return all(
        _holds(keyword, wanted, value, schema, root)
        for keyword, wanted in schema.items()
        if keyword not in NO_CONSTRAINT
    ) and all(is_valid(part, value[name], root) for name, part in parts.items() if name in value)


def _holds(  # noqa: PLR0911 - one for each keyword
    keyword: str, wanted: Any, value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> bool:
    match keyword:
        case "$ref":
            return is_valid(root["$defs"][wanted.removeprefix("#/$defs/")], value, root)
        case "type":
            return TYPES[wanted](value)
        case "anyOf":
            return any(is_valid(each, value, root) for each in wanted)
        case "enum":
            return value in wanted
        case "required":
            return not isinstance(value, dict) or value.keys() >= set(wanted)
        case "additionalProperties":
            others = value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ()
            return all(is_valid(wanted, value[name], root) for name in others)
        case "items":
            return not isinstance(value, list) or all(is_valid(wanted, item, root) for item in value)
    return _is_within(keyword, wanted, value)


def _is_within(keyword: str, wanted: Any, value: Any) -> bool:
    match keyword:
        case "minItems" | "maxItems":
            return not isinstance(value, list) or _fits(keyword, len(value), wanted)
        case "minLength" | "maxLength":
            return not isinstance(value, str) or _fits(keyword, len(value), wanted)
        case "minimum":
            return not TYPES["number"](value) or value >= wanted
        case "maximum":
            return not TYPES["number"](value) or value <= wanted
        case "pattern":
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case "format":
            assert wanted == "date-time", f"{wanted} is a format this checker does not know"
            return not isinstance(value, str) or _is_time(value)
    raise AssertionError(f"{keyword} is a keyword this checker does not know")


def _fits(keyword: str, size: int, wanted: int) -> bool:
    return size >= wanted if keyword.startswith("min") else size <= wanted


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
