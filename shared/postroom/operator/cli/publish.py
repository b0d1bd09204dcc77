"""`postroom publish`: one message from the command line, checked before it leaves."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher, PublishOptions
from postroom.broker.publishing.outgoing import address_json
from postroom.installation import subscriptions
from postroom.runtime.consuming.decoding import read_object
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, out, print_json
from postroom.wire.errors import ConfigurationError, InvalidPublish
from postroom.wire.messages import KINDS, Event, Message, describe_problems


def publish_command(  # noqa: PLR0913 - one parameter per option
    kind: Annotated[str, typer.Argument(help="`email.send`, `user.created`, …")],
    body: Annotated[str, typer.Argument(help="The JSON object, or `@file.json`, or `-` for standard input.")],
    message_id: Annotated[str | None, typer.Option("--id", help="Message id; made up without it.")] = None,
    delay: Annotated[float, typer.Option(min=0, help="Seconds to wait before it is done.")] = 0,
    run_at: Annotated[datetime | None, typer.Option(help="Do it at this time (UTC); needs the scheduler.")] = None,
    expires_at: Annotated[datetime | None, typer.Option(help="Useless after this time (UTC).")] = None,
    attempts: Annotated[int | None, typer.Option(min=1, help="Tries in all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish one job or event. It is checked against its contract first, and confirmed by the broker.

    Publishing it again with the same --id is safe: the work is done once.

    Example: `postroom publish email.send '{"to": "ada@example.com", "subject": "Hello", "body": "Hi Ada"}'`
    """
    model = contract_of(kind)
    raw = _read(body)
    try:
        fields = read_object(raw)
        model.model_validate(fields)
    except ValidationError as error:
        raise InvalidPublish(f"{kind}: {describe_problems(error)}") from None
    options = PublishOptions(
        delay=timedelta(seconds=delay) if delay else None,
        run_at=run_at.replace(tzinfo=UTC) if run_at else None,
        expires_at=expires_at.replace(tzinfo=UTC) if expires_at else None,
        attempts=attempts,
    )
    exchange = wire.EVENTS if issubclass(model, Event) else wire.JOBS
    outgoing = address_json(exchange, kind, raw, message_id, options, "postroom publish")
    asyncio.run(_send(read_settings(RuntimeSettings).amqp_url.get_secret_value(), outgoing))
    if as_json:
        print_json({"kind": kind, "exchange": exchange, "id": outgoing.message_id})
    else:
        out.print(f"{escape(kind)} published with id [bold]{escape(outgoing.message_id)}[/]", highlight=False)


def contract_of(kind: str) -> type[Message]:
    """The contract of a kind: the shipped one, or that of an installed service.

    Raises ConfigurationError naming those there are.
    """
    if kind in KINDS:  # no service has to be loaded for these
        return KINDS[kind]
    own = {each.model.kind: each.model for each in subscriptions() if each.model is not None}
    if kind not in own:
        kinds = ", ".join(sorted(KINDS | own))
        raise ConfigurationError(f"no installed service knows the kind {kind!r}; there are: {kinds}")
    return own[kind]


async def _send(url: str, outgoing: Outgoing) -> None:
    async with Publisher(url, app_id="postroom publish") as publisher:
        await publisher.send(outgoing)


def _read(body: str) -> bytes:
    if body == "-":
        return typer.get_binary_stream("stdin").read()
    if body.startswith("@"):
        try:
            return Path(body[1:]).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"cannot read {body[1:]}: {error.strerror}") from None
    return body.encode()
