"""How a provider's plain HTTP API wants texts, and how its answers are read: what the settings SMS_HTTP_… say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postroom.wire.errors import ConfigurationError
from postroom_sms.settings import HttpGatewaySettings

LONGEST_WORDS = 100
"""Of what a provider said, as far as errors repeat it. Its ids are not longer either."""


@dataclass(frozen=True, slots=True)
class HttpApi:
    """A provider's API; see HttpGatewaySettings for the fields."""

    method: str = "POST"
    format: str = "json"
    to_field: str = "to"
    text_field: str = "text"
    sender_field: str = "from"
    reference_field: str | None = None
    reference_header: str | None = None
    knows_references: bool = False
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    success_statuses: frozenset[int] = frozenset((200, 201, 202))
    success_field: str | None = None
    success_values: frozenset[str] = frozenset()
    id_field: str | None = None
    opted_out_values: frozenset[str] = frozenset()


def read_api(settings: HttpGatewaySettings) -> HttpApi:
    """The API as the settings describe it. Raises ConfigurationError."""
    if settings.success_field and not settings.success_values:
        raise ConfigurationError("SMS_HTTP_SUCCESS_VALUES: say what stands in SMS_HTTP_SUCCESS_FIELD when it went well")
    given = settings.model_dump(exclude={"extra_fields", "auth_header"})
    return HttpApi(
        **given
        | {
            "extra_fields": _extra_fields(settings),
            "headers": _auth_header(settings),
            "success_statuses": frozenset(int(status) for status in settings.success_statuses.split(",")),
            "success_values": _words(settings.success_values),
            "opted_out_values": _words(settings.opted_out_values),
        }
    )


def _extra_fields(settings: HttpGatewaySettings) -> Mapping[str, Any]:
    if settings.extra_fields is None:
        return {}
    try:
        fields = json.loads(settings.extra_fields.get_secret_value())
    except json.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        raise ConfigurationError('SMS_HTTP_EXTRA_FIELDS: write a JSON object, as {"route": "premium"}')
    return fields


def _auth_header(settings: HttpGatewaySettings) -> Mapping[str, str]:
    if settings.auth_header is None:
        return {}
    name, colon, value = settings.auth_header.get_secret_value().partition(":")
    if not colon or not name.strip() or not value.strip():
        raise ConfigurationError("SMS_HTTP_AUTH_HEADER: write a header and its value, as Authorization: Bearer …")
    return {name.strip(): value.strip()}


def _words(listed: str | None) -> frozenset[str]:
    return frozenset(word.strip() for word in (listed or "").split(",") if word.strip())


def look_up(answer: Any, path: str | None) -> str | None:
    """What stands at `messages.0.status`, as text; None where there is nothing."""
    if path is None:
        return None
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    if isinstance(answer, bool):
        return str(answer).lower()
    return _short(str(answer)) if isinstance(answer, str | int | float) else None


def _short(words: str) -> str:
    """One printable line."""
    line = "".join(character if character.isprintable() else " " for character in words).strip()
    return line[:LONGEST_WORDS]
