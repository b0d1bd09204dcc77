"""`python -m postroom.devkit.broker_node`: a RabbitMQ node in the foreground, until Ctrl-C."""

import json
import signal
from pathlib import Path
from typing import Annotated

import typer

from postroom.devkit.broker_node.find import find_broker
from postroom.wire.errors import PostroomError


def run(
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep queues and messages here for the next time; else nothing is kept.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the node as one line of JSON.")] = False,
) -> None:
    """Run a RabbitMQ node of its own and print where it is, until Ctrl-C or SIGTERM.

    With POSTROOM_AMQP_URL set it looks whether that broker answers, and starts nothing.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        with find_broker(data_dir=data_dir, persistent=data_dir is not None, say=_to_standard_error) as node:
            # Only now: while the node starts, Ctrl-C raises KeyboardInterrupt as ever, and the guardian sees the rest.
            signal.pthread_sigmask(signal.SIG_BLOCK, signals)
            shown = {"amqp_url": node.amqp_url, "management_url": node.management_url}
            shown |= {"version": node.version, "source": node.source, "log": str(node.log or "")}
            if as_json:
                typer.echo(json.dumps(shown))
            else:
                typer.echo("\n".join(f"{name.replace('_', ' '):15}{value}" for name, value in shown.items() if value))
                typer.echo("Ctrl-C stops it.")
            signal.sigwait(signals)
    except PostroomError as error:
        _to_standard_error(str(error))
        raise typer.Exit(1) from None


def _to_standard_error(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    typer.run(run)
