"""What the history tells of a dead letter. A service may keep it; without one there is none to show."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from postroom.installation import read_port
from postroom.operator.dead_letters import QueuedDeadLetter
from postroom.read_ports import TIMELINE, Timeline, TimelineEntry
from postroom.wire.errors import ConfigurationError

MOST_ASKED = 3
"""Of how many messages at once: more is no longer looked at one by one."""


def timelines_of(found: Sequence[QueuedDeadLetter]) -> dict[str, Sequence[TimelineEntry]]:
    """What happened to each of these messages, by id, oldest first. Empty for many, and where no history is kept."""
    asked = [one.id for one in found if one.message.message_id] if len(found) <= MOST_ASKED else []
    timeline = read_port(TIMELINE) if asked else None
    return asyncio.run(_read(timeline, asked)) if timeline is not None else {}


def as_text(timeline: Sequence[TimelineEntry]) -> str:
    """One line of text for each thing that happened."""
    return "\n".join(f"{_clock(each.at)}  {each.what}{f' ({each.error})' if each.error else ''}" for each in timeline)


async def _read(timeline: Timeline, ids: Sequence[str]) -> dict[str, Sequence[TimelineEntry]]:
    try:
        return {each: await timeline(each) for each in ids}
    except ConfigurationError:  # the dead letters are shown all the same
        return {}


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "at some time"
