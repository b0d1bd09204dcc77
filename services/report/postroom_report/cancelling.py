"""`postroom cancel`: stop a report."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from postroom.broker.publishing import Publisher
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, out, print_json
from postroom.wire.messages import CancelReport


def cancel_command(
    report_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `postroom report` shows.")],
    as_json: AsJson = False,
) -> None:
    """Stop a running report within two seconds, or one that waits from being begun.

    It leaves nothing in the storage and is no dead letter. A report that is done stays. The same job published or
    replayed again stays cancelled: ask for the report under a new id.

    Example: `postroom cancel 2b7c9c1e4f0a4d3f9a5f7c1f0d6f3a11`
    """
    asyncio.run(cancel(read_settings(RuntimeSettings).amqp_url.get_secret_value(), report_id))
    if as_json:
        print_json({"id": report_id, "asked": True})
    else:
        out.print(f"{escape(report_id)} is to be stopped", highlight=False)


async def cancel(url: str, report_id: str) -> None:
    """Ask for it."""
    async with Publisher(url, app_id="postroom cancel") as publisher:
        await publisher.publish(CancelReport(report_id=report_id))
