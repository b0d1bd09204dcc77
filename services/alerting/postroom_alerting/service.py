"""The alerting service, declared."""

from postroom.read_ports import IGNORED_QUEUES, OPEN_INCIDENTS
from postroom.service import Command, Service

service = Service(
    "alerting",
    worker="postroom_alerting.handlers:worker",
    adapters="postroom_alerting.adapters:adapters",
    settings=("postroom_alerting.settings:AlertingSettings", "postroom_alerting.monitor.settings:MonitorSettings"),
    migrations="postroom_alerting:migrations",
    retention="postroom_alerting.models:RETENTION",
    commands=(
        Command(
            "alerts",
            "postroom_alerting.cli:app",
            "Look at groups of failures and at conditions, mute and resolve them, check rules and channels.",
        ),
    ),
    read_ports={
        IGNORED_QUEUES.name: "postroom_alerting.read_ports:ignored_queues",
        OPEN_INCIDENTS.name: "postroom_alerting.read_ports:open_incidents",
    },
)
