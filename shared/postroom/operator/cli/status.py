"""`postroom status`: one screen for the person who is woken at night."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.live import Live

from postroom.broker.management import Management
from postroom.devkit.health_urls import read_health_urls
from postroom.installation import read_port
from postroom.operator.cli.status_state import Asked, State, gather
from postroom.operator.cli.status_views import screen
from postroom.read_ports import IGNORED_QUEUES
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, ExitCode, out, print_json

LOOK_EVERY_SECONDS = 3.0


def status_command(
    health: Annotated[
        list[str] | None,
        typer.Option(
            help="A service's health port, `email=http://10.0.0.5:8080` or only the URL; may be given several "
            "times. Those that `postroom up` started on this machine are known."
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how everything is: broker, services, queues, outages, what alerting has open.

    Queues that `ALERTING_IGNORED_QUEUES` names are left out, as alerting leaves them out.

    Exit code 1: something is wrong. 3: the broker cannot be asked. Figures of queues are up to five seconds old.

    Example: `postroom status --watch`
    """
    settings = read_settings(RuntimeSettings)
    ignored_queues = read_port(IGNORED_QUEUES)
    ignored = ignored_queues() if ignored_queues else ()
    asked = Asked({**read_health_urls(settings.data_dir), **_given(health or [])}, ignored)
    with Management.from_settings(settings) as management:
        if watch and not as_json:
            _keep_showing(management, asked)
            return
        state = gather(management, asked)
    if as_json:
        print_json(state.to_json())
    else:
        out.print(screen(state))
    raise typer.Exit(exit_code(state))


def exit_code(state: State) -> ExitCode:
    """What a script is told."""
    if state.broker_problem:
        return ExitCode.UNREACHABLE
    return ExitCode.PROBLEMS if state.problems() else ExitCode.OK


def _given(health: Sequence[str]) -> dict[str, str]:
    pairs = (each.partition("=") if "=http" in each else (each, "", each) for each in health)
    return {name: url for name, _equals, url in pairs}


def _keep_showing(management: Management, asked: Asked) -> None:
    with Live(console=out, screen=out.is_terminal, auto_refresh=False) as live:
        while True:
            live.update(screen(gather(management, asked)), refresh=True)
            try:
                time.sleep(LOOK_EVERY_SECONDS)
            except KeyboardInterrupt:
                return
