"""The sms service, declared."""

from postroom.service import Service

service = Service(
    "sms",
    worker="postroom_sms.handlers:worker",
    adapters="postroom_sms.adapters:adapters",
    settings=("postroom_sms.settings:SmsSettings",),
    migrations="postroom_sms:migrations",
    retention="postroom_sms.models:RETENTION",
)
