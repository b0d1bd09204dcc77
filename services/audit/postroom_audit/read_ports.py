"""What others may read of the history: postroom.read_ports says it."""

from collections.abc import Sequence
from dataclasses import asdict

from postroom.read_ports import TimelineEntry
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.location import check_is_there
from postroom_audit.errors import AmbiguousId, UnknownId
from postroom_audit.service import service


async def timeline(message_id: str) -> Sequence[TimelineEntry]:
    """The read port TIMELINE."""
    check_is_there(service.name, read_settings(RuntimeSettings))
    # Only where there is something to read: they take half a second.
    from postroom.storage.existing import existing_database  # noqa: PLC0415
    from postroom_audit.sql_history import SqlHistory  # noqa: PLC0415

    async with existing_database(service) as database:
        try:
            timelines = await SqlHistory(database).timelines(message_id)
        except (UnknownId, AmbiguousId):
            return []
    lines = next((timeline.lines for timeline in timelines if timeline.message_id == message_id), [])
    return [TimelineEntry(**asdict(line)) for line in lines]
