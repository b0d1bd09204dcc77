"""The audit service, declared."""

from postroom.service import Service

service = Service(
    "audit",
    worker="postroom_audit.handlers:worker",
    adapters="postroom_audit.adapters:adapters",
    answers="postroom_audit.commands:answer",
    migrations="postroom_audit:migrations",
    retention="postroom_audit.models:RETENTION",
)
