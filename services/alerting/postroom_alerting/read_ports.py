"""What others may read of alerting's data: postroom.read_ports says it."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from postroom.read_ports import OpenIncident
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.location import check_is_there
from postroom_alerting.monitor.settings import MonitorSettings
from postroom_alerting.service import service


def ignored_queues() -> tuple[str, ...]:
    """The read port IGNORED_QUEUES."""
    return read_settings(MonitorSettings).ignored_patterns()


async def open_incidents() -> Sequence[OpenIncident]:
    """The read port OPEN_INCIDENTS."""
    check_is_there(service.name, read_settings(RuntimeSettings))
    # Only where there is something to read: they take half a second.
    from postroom.storage.existing import existing_database  # noqa: PLC0415
    from postroom_alerting.rules.configured import load_rules  # noqa: PLC0415
    from postroom_alerting.settings import AlertingSettings  # noqa: PLC0415
    from postroom_alerting.sql_incidents import SqlIncidents  # noqa: PLC0415
    from postroom_alerting.views import described  # noqa: PLC0415

    now = datetime.now(UTC)
    async with existing_database(service) as database:
        incidents = SqlIncidents(database, load_rules(read_settings(AlertingSettings)))
        silences = await incidents.silences(now)
        found = [described(each, silences) for each in await incidents.all(now, with_resolved=False)]
    names = [field.name for field in fields(OpenIncident)]
    return [OpenIncident(**{name: each[name] for name in names}) for each in found]
