"""The `postroom` command: what Postroom itself brings, and what the installed services declare.

Nothing of a command is imported before it is used; `postroom --help` needs the declarations alone.
"""

from typing import Any

import typer

from postroom.installation import installed_services
from postroom.operator.cli.groups import MARKUP, CommandGroup, declared
from postroom.service import Command
from postroom.terminal import EXIT_CODES

COMMANDS = (
    Command(
        "demo",
        "postroom.operator.cli.demo:demo_command",
        "Show the whole story on this machine: mails sent, retried, buried, alerted, replayed.",
    ),
    Command("up", "postroom.operator.cli.up:up_command", "Start everything on this machine and keep it running."),
    Command("run", "postroom.operator.cli.run:run_command", "Run one service in this process."),
    Command(
        "status",
        "postroom.operator.cli.status:status_command",
        "Show how everything is: broker, services, queues, outages, what alerting has open.",
    ),
    Command("publish", "postroom.operator.cli.publish:publish_command", "Publish one job or event."),
    Command(
        "dead",
        "postroom.operator.cli.dead:app",
        "Messages that could not be processed: look at them, replay them, discard them, keep them.",
    ),
    Command(
        "topology",
        "postroom.operator.cli.topology:app",
        "Exchanges, queues, policies and users at the broker: bring it to them, compare, prove, export.",
    ),
    Command(
        "schema",
        "postroom.operator.cli.schema:app",
        "JSON Schemas and the AsyncAPI document of all kinds of message.",
    ),
    Command("new", "postroom.operator.cli.new:app", "Begin a project of your own: a service with one job."),
)
"""What Postroom itself brings, in the order in which --help shows it."""


class PostroomCommands(CommandGroup):
    """All there are. Our own are found without asking which services there are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands.update(declared(COMMANDS, ()))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or what stands for it until it is used."""
        if cmd_name not in self.commands:
            self._add_those_of_services()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name. Raises ConfigurationError for one that is declared twice."""
        self._add_those_of_services()
        return super().list_commands(ctx)

    def _add_those_of_services(self) -> None:
        self.commands.update(declared(COMMANDS, installed_services()))


app = typer.Typer(
    name="postroom",
    cls=PostroomCommands,
    no_args_is_help=True,
    rich_markup_mode=MARKUP,
    pretty_exceptions_show_locals=False,  # they would show passwords
    help=f"Background jobs and domain events over RabbitMQ, for programs in any language.\n\n{EXIT_CODES}",
)


@app.callback()
def _group() -> None:
    """There is at least one command; typer is not to ask how many."""


def main() -> None:
    """Run the command line."""
    app()
