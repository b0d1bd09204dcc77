"""`postroom up`: everything on one machine, until Ctrl-C."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from postroom.broker.connection import without_password
from postroom.broker.management import Management
from postroom.broker.topology import installation_topology
from postroom.broker.topology.application import apply_topology
from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.devkit.health_urls import health_urls_written
from postroom.devkit.supervisor import Supervisor
from postroom.installation import VARIABLE, all_services, installed_services, pick, workers
from postroom.operator.cli.broker_users import users_of_node
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import err, note, out, print_table


def up_command(
    services: Annotated[list[str] | None, typer.Argument(help="Only these; by default all.")] = None,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C.

    Uses the broker of POSTROOM_AMQP_URL, or starts a private RabbitMQ node whose queues and messages are kept in
    the data folder (POSTROOM_DATA_DIR, ./var) for the next time. Each service gets a user of its own on the
    broker, which may do that service's work and nothing else. Without EMAIL_SMTP_URL a mail server on this
    machine takes all mails and puts them into the data folder.

    Example: `postroom up email alerting`
    """
    names = _chosen(services or [])
    settings = read_settings(RuntimeSettings)
    with find_broker(data_dir=settings.data_dir, persistent=True, say=note) as broker:
        with err.status("Applying the topology…"):
            apply_to(broker)
            users = users_of_node(broker, settings.data_dir, note)
        asyncio.run(_stay_up(names, broker, users, settings.data_dir))


def broker_environment(broker: BrokerNode) -> dict[str, str]:
    """What tells a service where the broker is."""
    return {"POSTROOM_AMQP_URL": broker.amqp_url, "POSTROOM_MANAGEMENT_URL": broker.management_url}


def apply_to(broker: BrokerNode) -> None:
    """Bring a broker to the topology of the installed services."""
    topology = installation_topology()
    settings = RuntimeSettings.model_validate(
        {"amqp_url": broker.amqp_url, "management_url": broker.management_url or None}
    )
    with Management.from_settings(settings) as management:
        apply_topology(topology, management)


def _chosen(services: list[str]) -> list[str]:
    if services:
        pick(services, installed_services(), "you asked for")  # before it is handed on
        os.environ[VARIABLE] = ",".join(services)
    return [service.name for service in all_services()]


async def _stay_up(names: list[str], broker: BrokerNode, users: dict[str, dict[str, str]], data_dir: Path) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with _mail_box(data_dir / "mail", is_needed="email" in names) as mail:
        supervisor = Supervisor(names, {**broker_environment(broker), **mail}, of_service=users, say=note)
        try:
            with err.status("Starting the services…"):
                await supervisor.start()
            _show(supervisor, broker, data_dir)
            with health_urls_written(data_dir, {child.service: child.health_url for child in supervisor.children}):
                ended = asyncio.create_task(supervisor.wait())
                await asyncio.wait((ended, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
            supervisor.check()
            note("stopping: what is in work is finished first")
        finally:
            await supervisor.stop()


@asynccontextmanager
async def _mail_box(folder: Path, *, is_needed: bool) -> AsyncIterator[dict[str, str]]:
    """A mail server of our own when no other is named: trying Postroom needs no account anywhere."""
    if os.environ.get("EMAIL_SMTP_URL") or not is_needed:
        yield {}
        return
    try:
        from postroom.devkit.mailbox import MailServer, ReceivedMail  # noqa: PLC0415 - of the extra `demo`
    except ImportError:
        note("EMAIL_SMTP_URL is not set and the extra `demo` is not installed: mails will wait for a server")
        yield {}
        return

    def keep(mail: ReceivedMail) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{mail.received_at:.6f}.eml").write_bytes(mail.content)
        note(f"mail to {', '.join(mail.recipients)}: {mail.subject}")

    server = MailServer(port=0, keep=1000, on_mail=keep)
    async with server:
        yield {"EMAIL_SMTP_URL": server.url}


def _show(supervisor: Supervisor, broker: BrokerNode, data_dir: Path) -> None:
    queues = {worker.service: list(worker.subscriptions) for worker in workers()}
    print_table(
        ("Service", "Reads", "Health"),
        [
            (escape(child.service), escape("\n".join(queues.get(child.service, ()))), f"{child.health_url}/readyz")
            for child in supervisor.children
        ],
    )
    out.print(
        f"RabbitMQ {broker.version}: {escape(without_password(broker.amqp_url))} ({broker.source})", soft_wrap=True
    )
    out.print(f"Management UI: {escape(without_password(broker.management_url))}", soft_wrap=True)
    out.print(f"Data: {escape(str(data_dir.absolute()))}", soft_wrap=True)
    out.print(
        f"Try, in another terminal{_how_to_get_there(broker)}\n  {escape(_example(queues))}",
        soft_wrap=True,
        highlight=False,
    )
    out.print("Ctrl-C stops everything.")


def _example(queues: Mapping[str, Sequence[str]]) -> str:
    if "email" in queues:
        return """postroom publish email.send '{"to": "ada@example.com", "subject": "Hello", "body": "Hi Ada"}'"""
    jobs = (queue for service, names in queues.items() for queue in names if queue.startswith(f"{service}."))
    return f"postroom publish {next((job for job in jobs if '.on.' not in job), 'KIND')} '{{…}}'"


def _how_to_get_there(broker: BrokerNode) -> str:
    """What the other terminal needs: the developer's own user, an administrator who may do all that can be tried."""
    if not broker.is_ours:
        return " with the same POSTROOM_AMQP_URL and POSTROOM_MANAGEMENT_URL:"  # its password is not ours to print
    # Not every client library takes a missing virtual host for "/".
    url = broker.amqp_url + "%2F" if broker.amqp_url.endswith("/") else broker.amqp_url
    return (
        f":\n  export POSTROOM_AMQP_URL={escape(url)}\n"
        f"  export POSTROOM_MANAGEMENT_URL={escape(without_password(broker.management_url))}"
    )
