"""The maintenance service, declared."""

from postroom.service import Service

service = Service(
    "maintenance",
    worker="postroom_maintenance.handlers:worker",
    adapters="postroom_maintenance.adapters:adapters",
    settings=("postroom_maintenance.settings:MaintenanceSettings",),
)
