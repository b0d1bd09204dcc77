"""The `postroom` command. Each group of commands is a module of this package with an `app`."""

import typer

from postroom.operator.cli import alerts, dead, history, new, report, schedules, schema, tokens, topology
from postroom.operator.cli.cancel import cancel_command
from postroom.operator.cli.demo import demo_command
from postroom.operator.cli.groups import CommandGroup
from postroom.operator.cli.publish import publish_command
from postroom.operator.cli.status import status_command
from postroom.operator.cli.up import up_command
from postroom.terminal import EXIT_CODES

app = typer.Typer(
    name="postroom",
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",  # paragraphs of the help flow
    pretty_exceptions_show_locals=False,  # they would show passwords
    help=f"Background jobs and domain events over RabbitMQ, for programs in any language.\n\n{EXIT_CODES}",
)

# Every command is added here, in the order in which --help shows them.
app.command("demo")(demo_command)
app.command("up")(up_command)
app.command("status")(status_command)
app.command("publish")(publish_command)
app.add_typer(report.app, name="report")
app.command("cancel")(cancel_command)
app.add_typer(schedules.app, name="schedules")
app.add_typer(dead.app, name="dead")
app.add_typer(alerts.app, name="alerts")
app.add_typer(history.app, name="history")
app.add_typer(tokens.app, name="tokens")
app.add_typer(topology.app, name="topology")
app.add_typer(schema.app, name="schema")
app.add_typer(new.app, name="new")


def main() -> None:
    """Run the command line."""
    app()
