"""The email service, declared."""

from postroom.service import Service

service = Service(
    "email",
    worker="postroom_email.handlers:worker",
    adapters="postroom_email.adapters:adapters",
    settings=("postroom_email.settings:EmailSettings",),
    migrations="postroom_email:migrations",
    retention="postroom_email.models:RETENTION",
)
