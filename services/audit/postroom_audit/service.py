"""The audit service, declared."""

from postroom.read_ports import TIMELINE
from postroom.service import Command, Service

service = Service(
    "audit",
    worker="postroom_audit.handlers:worker",
    adapters="postroom_audit.adapters:adapters",
    migrations="postroom_audit:migrations",
    retention="postroom_audit.models:RETENTION",
    commands=(
        Command(
            "history",
            "postroom_audit.cli:app",
            "What happened to a message: its tries, its death, who replayed it, how it ended.",
        ),
    ),
    read_ports={TIMELINE.name: "postroom_audit.read_ports:timeline"},
)
