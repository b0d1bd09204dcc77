"""The alerting service, declared."""

from postroom.service import Service

service = Service(
    "alerting",
    worker="postroom_alerting.handlers:worker",
    adapters="postroom_alerting.adapters:adapters",
    answers="postroom_alerting.commands:answer",
    settings=("postroom_alerting.settings:AlertingSettings", "postroom_alerting.watching.settings:WatchingSettings"),
    migrations="postroom_alerting:migrations",
    retention="postroom_alerting.models:RETENTION",
)
