"""The report service, declared."""

from postroom.service import Service

service = Service(
    "report",
    worker="postroom_report.handlers:worker",
    adapters="postroom_report.adapters:adapters",
    answers="postroom_report.commands:answer",
    settings=("postroom_report.settings:ReportSettings",),
    migrations="postroom_report:migrations",
    retention="postroom_report.models:RETENTION",
)
