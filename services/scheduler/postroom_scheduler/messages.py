"""What a tick publishes."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from postroom import wire
from postroom.wire.messages import KINDS, SetSchedule, describe_problems
from postroom.wire.messages.schedule import rfc3339
from postroom_scheduler.errors import BrokenSchedule

_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_NAMES = ("fire_time", "last_fire_time", "schedule")


def message_id_of(schedule: str, fire_time: datetime) -> str:
    """The message id of a tick: the same in every scheduler."""
    return f"{schedule}@{rfc3339(fire_time)}"


def body_of(schedule: SetSchedule, fire_time: datetime, last: datetime | None) -> dict[str, Any]:
    """The body with its placeholders filled in; `last_fire_time` is empty the first time. Raises BrokenSchedule."""
    values = {
        "fire_time": rfc3339(fire_time),
        "last_fire_time": rfc3339(last) if last else "",
        "schedule": schedule.name,
    }
    body = _filled(schedule.body, values)
    assert isinstance(body, dict)  # noqa: S101 - as it went in
    return body


def headers_of(schedule: SetSchedule, fire_time: datetime) -> dict[str, Any]:
    """The headers: the schedule's own, its options, and which tick it is."""
    options = schedule.options
    named = {
        wire.ATTEMPTS: options.attempts,
        wire.BACKOFF: options.backoff,
        wire.BACKOFF_SECONDS: options.backoff_seconds,
        wire.DELAY_SECONDS: options.delay_seconds,
        wire.EXPIRES_AT: rfc3339(fire_time + options.expires_after) if options.expires_after else None,
        wire.X_SCHEDULE: schedule.name,
        wire.X_FIRE_TIME: rfc3339(fire_time),
    }
    return {**schedule.headers, **{name: value for name, value in named.items() if value is not None}}


def check_message(schedule: SetSchedule, now: datetime) -> None:
    """Raise BrokenSchedule when what it publishes would be a dead letter."""
    kind = schedule.job or schedule.event or ""
    body = body_of(schedule, now, now)
    if len(orjson.dumps(body)) > wire.MAX_BODY_BYTES:
        raise BrokenSchedule(f"body: at most {wire.MAX_BODY_BYTES} bytes travel in a message")
    if kind not in KINDS:
        return  # of somebody's own service
    try:
        KINDS[kind].model_validate(body)
    except ValidationError as error:
        raise BrokenSchedule(f"body: no {kind}: {describe_problems(error)}") from None


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {name: _filled(item, values) for name, item in value.items()}
        case list():
            return [_filled(item, values) for item in value]
        case str():
            return _PLACEHOLDER.sub(lambda match: _named(match[1], values), value)
    return value


def _named(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise BrokenSchedule(f"body: there is no {{{{ {name} }}}}; there are {', '.join(_NAMES)}")
    return values[name]
