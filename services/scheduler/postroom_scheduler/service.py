"""The scheduler service, declared."""

from postroom.service import Command, Service

service = Service(
    "scheduler",
    worker="postroom_scheduler.handlers:worker",
    adapters="postroom_scheduler.adapters:adapters",
    settings=("postroom_scheduler.settings:SchedulerSettings",),
    migrations="postroom_scheduler:migrations",
    retention="postroom_scheduler.models:RETENTION",
    commands=(
        Command(
            "schedules",
            "postroom_scheduler.cli:app",
            "Look at the schedules and far jobs, run, pause and change them.",
        ),
    ),
    hosts_standalone=True,
)
