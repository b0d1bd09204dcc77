"""The report service, declared."""

from postroom.service import Command, Service

service = Service(
    "report",
    worker="postroom_report.handlers:worker",
    adapters="postroom_report.adapters:adapters",
    settings=("postroom_report.settings:ReportSettings",),
    migrations="postroom_report:migrations",
    retention="postroom_report.models:RETENTION",
    commands=(
        Command(
            "report",
            "postroom_report.cli:app",
            "Make a report, or look at the types there are and at what a type looks like.",
        ),
        Command("cancel", "postroom_report.cli:cancel_command", "Stop a report."),
    ),
)
