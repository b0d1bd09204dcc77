"""What the history tells of a dead letter. The audit service keeps it; without one there is none to show."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from postroom.installation import services
from postroom.operator.cli.asking import ask_service
from postroom.operator.dead_letters import Found
from postroom.wire.errors import ConfigurationError
from postroom.wire.letter import moment_of

SERVICE = "audit"

MOST_ASKED = 3
"""Of how many messages at once: more is no longer looked at one by one."""


def timelines_of(found: Sequence[Found]) -> dict[str, list[dict[str, Any]]]:
    """What happened to each of these messages, by id, oldest first. Empty for many, and where no history is kept."""
    if len(found) > MOST_ASKED or not _is_kept():
        return {}
    return {one.id: _timeline(one.id) for one in found if one.message.message_id}


def as_text(timeline: Sequence[dict[str, Any]]) -> str:
    """One line of text for each thing that happened."""
    lines = []
    for line in timeline:
        error = f" ({line['error']})" if line.get("error") else ""
        lines.append(f"{_clock(moment_of(line.get('at')))}  {line.get('what', '')}{error}")
    return "\n".join(lines)


def _timeline(message_id: str) -> list[dict[str, Any]]:
    try:
        stories = ask_service(SERVICE, "show", message_id)
    except ConfigurationError:
        return []
    return [line for story in stories if story.get("message_id") == message_id for line in story.get("lines", [])]


def _is_kept() -> bool:
    return SERVICE in {service.name for service in services()}


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "at some time"
