"""`postroom run`: one service, in this process."""

from typing import Annotated

import typer

from postroom.installation import find_service, installed_services
from postroom.starting import start


def _names() -> list[str]:
    return [service.name for service in installed_services()]


def run_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="`email`, `scheduler`, …", autocompletion=_names)],
) -> None:
    """Run one service in this process until SIGTERM or Ctrl-C; what is in work then is finished first.

    The same as `python -m postroom_email`. Its broker is that of POSTROOM_AMQP_URL, which `postroom topology apply` has
    brought to its queues; it waits for what is missing, and `/readyz` at POSTROOM_HEALTH_PORT names it. Its other
    settings are variables too. Run it as often as there is work: processes of one service share its queues.

    Exit code 0: it was told to stop. 78: a setting is wrong.

    Example: `EMAIL_SMTP_URL=smtp://mail.example.com postroom run email`
    """
    start(find_service(name))
