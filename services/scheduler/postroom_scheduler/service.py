"""The scheduler service, declared."""

from postroom.service import Service

service = Service(
    "scheduler",
    worker="postroom_scheduler.handlers:worker",
    adapters="postroom_scheduler.adapters:adapters",
    answers="postroom_scheduler.commands:answer",
    settings=("postroom_scheduler.settings:SchedulerSettings",),
    migrations="postroom_scheduler:migrations",
    retention="postroom_scheduler.models:RETENTION",
    hosts_standalone=True,
)
