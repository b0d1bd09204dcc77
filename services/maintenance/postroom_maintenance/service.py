"""The maintenance service, declared."""

from postroom.service import Command, Service

service = Service(
    "maintenance",
    worker="postroom_maintenance.handlers:worker",
    adapters="postroom_maintenance.adapters:adapters",
    settings=("postroom_maintenance.settings:MaintenanceSettings",),
    commands=(
        Command(
            "tokens",
            "postroom_maintenance.cli:app",
            "OAuth2 credentials, encrypted in the data folder; maintenance refreshes them.",
        ),
    ),
)
