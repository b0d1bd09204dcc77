"""The table of users in docs/operations.md: each may do its work with these permissions, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused

from services.alerting import app as alerting
from services.alerting.handlers import worker as alerting_worker
from services.email import app as email
from services.email.handlers import worker as email_worker
from services.sms import app as sms
from services.sms.handlers import worker as sms_worker
from services.webhook import app as webhook
from services.webhook.handlers import worker as webhook_worker
from shared.demo.http_inbox import Partner
from shared.discovery import discover
from shared.mailbox import MailServer
from shared.management import Management
from shared.messages import DeliverWebhook, SendEmail, SendSms
from shared.publishing import Publisher, PublishOptions
from shared.settings import RuntimeSettings
from shared.testing import eventually, running_with
from shared.topology import build_topology
from shared.topology.application import apply_topology
from tests.support.documents import document
from tests.support.worker import outcome_count

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")

ROWS = document("docs/operations.md").rows("## Users of the broker")
PERMISSIONS = {name: [cell.strip("`") for cell in cells] for name, *cells in ROWS}

APPLICATIONS = "applications that publish"
NOT_THEIR_EXCHANGES = [
    *((APPLICATIONS, exchange) for exchange in ("dead-letters", "delay", "unrouted", "")),
    *(("email", exchange) for exchange in ("unrouted", "delay.due", "")),
    *((service, exchange) for service in ("sms", "webhook") for exchange in ("unrouted", "delay.due", "")),
    *(("alerting", exchange) for exchange in ("jobs", "unrouted", "")),
    *(("audit", exchange) for exchange in ("jobs", "unrouted", "delay.due", "")),
]
NOT_THEIR_QUEUES = [
    (APPLICATIONS, "email.send"),
    ("email", "email.send.dead"),
    ("email", "alerting"),
    ("alerting", "email.send"),
    ("sms", "email.send"),
    ("webhook", "sms.send"),
    ("audit", "email.on.user.created"),
]

UrlOf = Callable[[str], str]


@pytest.fixture
def url_of(vhost: Any) -> Iterator[UrlOf]:
    """The AMQP URL of each user of the table, and of the operator who has made the topology."""
    tag = uuid4().hex[:8]
    users = {**PERMISSIONS, "operator": [".*", ".*", ".*"]}
    accounts = {user: f"{user.split()[0]}-{tag}" for user in users}

    def url(user: str) -> str:
        parts = urlsplit(vhost.amqp_url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{accounts[user]}:secret@{host}"))

    with httpx.Client(base_url=f"{vhost.management_url}/api", auth=(vhost.user, vhost.password)) as management:
        for user, account in accounts.items():
            tags = "policymaker" if user == "operator" else ""
            management.put(f"/users/{account}", json={"password": "secret", "tags": tags}).raise_for_status()
            names = ("configure", "write", "read")
            body = dict(zip(names, users[user], strict=True))
            management.put(f"/permissions/{quote(vhost.name)}/{account}", json=body).raise_for_status()
        try:
            subscriptions = (each for one in discover().workers for each in one.subscriptions.values())
            settings = RuntimeSettings(amqp_url=url("operator"), management_url=vhost.management_url)
            with Management.from_settings(settings) as operator:
                apply_topology(build_topology(subscriptions), operator)
            yield url
        finally:
            for account in accounts.values():
                management.delete(f"/users/{account}").raise_for_status()


@pytest.fixture
async def mail_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        monkeypatch.setenv("EMAIL_SMTP_URL", server.url)
        yield server


def settings_of(url: str, folder: Path) -> RuntimeSettings:
    return RuntimeSettings(amqp_url=url, data_dir=folder, health_port=0)


async def test_an_application_publishes_and_the_services_do_their_work(
    url_of: UrlOf, mail_server: MailServer, tmp_path: Path
) -> None:
    mail_server.answer("slow@example.com", "451 4.2.1 busy", times=1)
    mail_server.answer("gone@example.com", "550 5.1.1 no such user")

    async with (
        running_with(email_worker, email.adapters, settings_of(url_of("email"), tmp_path)),
        running_with(alerting_worker, alerting.adapters, settings_of(url_of("alerting"), tmp_path)),
        Publisher(url_of(APPLICATIONS)) as publisher,
        await aio_pika.connect(url_of("operator")) as connection,
    ):
        channel = await connection.channel()
        events = await channel.declare_queue(exclusive=True, durable=False, auto_delete=True)
        await events.bind("events", "job.failed")
        for name in ("slow", "gone"):
            await publisher.publish(SendEmail(to=[f"{name}@example.com"], subject="Hello", body="Hi"))
        later = PublishOptions(delay=timedelta(seconds=1))
        await publisher.publish(SendEmail(to=["later@example.com"], subject="Hello", body="Hi"), options=later)

        async with asyncio.timeout(20):
            await mail_server.received(1, to="slow@example.com")  # by way of the delay ladder
            await mail_server.received(1, to="later@example.com")
        await eventually(lambda: _has_messages(channel, "email.send.dead"))
        await eventually(lambda: _has_messages(channel, events.name))  # alerting has recorded it and told others


async def test_texts_and_webhooks_are_done_too(url_of: UrlOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    with Partner() as partner:  # out of order for two calls: by way of the delay ladder
        monkeypatch.setenv("WEBHOOK_SECRETS", f"partner={partner.secret}")
        async with (
            running_with(sms_worker, sms.adapters, settings_of(url_of("sms"), tmp_path)),
            running_with(webhook_worker, webhook.adapters, settings_of(url_of("webhook"), tmp_path)),
            Publisher(url_of(APPLICATIONS)) as publisher,
            await aio_pika.connect(url_of("operator")) as connection,
        ):
            signed = DeliverWebhook(url=partner.url, body={"n": 1}, secret_name="partner")
            await publisher.publish(signed, options=PublishOptions(backoff="fixed", first_backoff=timedelta(seconds=1)))
            await publisher.publish(SendSms(to="+491511234567", message="Hello"))
            await publisher.publish(SendSms(to="+49", message="Hello"))

            assert (await partner.call(3, within_seconds=20)).status == 200
            await eventually(lambda: outcome_count("sms.send", "done"))
            channel = await connection.channel()
            await eventually(lambda: _has_messages(channel, "sms.send.dead"))


async def test_nobody_of_the_table_may_do_more(url_of: UrlOf) -> None:
    allowed = []
    for user in PERMISSIONS:
        allowed += [f"{user} declares"] if await _may(url_of(user), _declare) else []
    for user, exchange in NOT_THEIR_EXCHANGES:
        allowed += [f"{user} publishes to {exchange}"] if await _may(url_of(user), _publish, exchange) else []
    for user, queue in NOT_THEIR_QUEUES:
        allowed += [f"{user} reads {queue}"] if await _may(url_of(user), _read, queue) else []

    assert allowed == []


async def _may(url: str, act: Callable[..., Awaitable[object]], *names: str) -> bool:
    async with await aio_pika.connect(url) as connection:
        try:
            await act(await connection.channel(), *names)
        except ChannelAccessRefused:
            return False
    return True


async def _declare(channel: AbstractChannel) -> None:
    await channel.declare_queue("email.send.mine", durable=True)


async def _publish(channel: AbstractChannel, exchange: str) -> None:
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await target.publish(aio_pika.Message(b"{}"), "email.send")


async def _read(channel: AbstractChannel, queue: str) -> None:
    target = await channel.get_queue(queue, ensure=False)
    await target.get(fail=False)


async def _has_messages(channel: AbstractChannel, queue: str) -> bool:
    declared = await channel.declare_queue(queue, passive=True)
    return bool(declared.declaration_result.message_count)
