"""The webhook service, declared."""

from postroom.service import Service

service = Service(
    "webhook",
    worker="postroom_webhook.handlers:worker",
    adapters="postroom_webhook.adapters:adapters",
    settings=("postroom_webhook.settings:WebhookSettings",),
    migrations="postroom_webhook:migrations",
    retention="postroom_webhook.models:RETENTION",
)
