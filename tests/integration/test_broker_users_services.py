"""Real services at work, each as its own user of the broker: what is done, retried, buried, published and kept."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from postroom import wire
from postroom.broker.publishing import Publisher, PublishOptions
from postroom.devkit.demo.http_inbox import Partner
from postroom.devkit.mailbox import MailServer
from postroom.settings import RuntimeSettings
from postroom.testing import eventually, running_service
from postroom.wire.messages import DeliverWebhook, GenerateReport, SendEmail, SendSms
from postroom_alerting.service import service as alerting
from postroom_audit.service import service as audit
from postroom_email.service import service as email
from postroom_maintenance.service import service as maintenance
from postroom_report.service import service as report
from postroom_scheduler.service import service as scheduler
from postroom_sms.service import service as sms
from postroom_webhook.service import service as webhook
from tests.support.broker_users import Users, users_on
from tests.support.brokers import VirtualHost
from tests.support.patience import REACTION, seconds
from tests.support.worker import outcome_count

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")

TICKING = """
schedules:
  - name: soon
    every: 1s
    job: maintenance.clean
    body: {target: ticks, older_than_days: 1}
"""


@pytest.fixture
def users(vhost: VirtualHost, tmp_path: Path) -> Iterator[Users]:
    """The topology and the users of all services."""
    with users_on(vhost, tmp_path) as users:
        yield users


@pytest.fixture
async def mail_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        monkeypatch.setenv("EMAIL_SMTP_URL", server.url)
        yield server


def settings_of(users: Users, service: str, folder: Path) -> RuntimeSettings:
    return RuntimeSettings.model_validate(
        {"amqp_url": users.amqp_url(service), "data_dir": folder / "data", "health_port": 0}
    )


async def test_an_application_publishes_and_the_services_do_their_work(
    users: Users, mail_server: MailServer, tmp_path: Path
) -> None:
    mail_server.answer("slow@example.com", "451 4.2.1 busy", times=1)
    mail_server.answer("gone@example.com", "550 5.1.1 no such user")

    async with (
        running_service(email, settings_of(users, "email", tmp_path)),
        running_service(alerting, settings_of(users, "alerting", tmp_path)),
        Publisher(users.amqp_url("publisher")) as publisher,
        await aio_pika.connect(users.vhost.amqp_url) as connection,
    ):
        channel = await connection.channel()
        events = await channel.declare_queue(exclusive=True, durable=False, auto_delete=True)
        await events.bind("events", "job.failed")
        for name in ("slow", "gone"):
            await publisher.publish(SendEmail(to=[f"{name}@example.com"], subject="Hello", body="Hi"))
        later = PublishOptions(delay=timedelta(seconds=1))
        await publisher.publish(SendEmail(to=["later@example.com"], subject="Hello", body="Hi"), options=later)

        for name in ("slow", "later"):  # by way of the delay ladder
            await mail_server.received(1, to=f"{name}@example.com", within_seconds=seconds(REACTION))
        await eventually(lambda: _has_messages(channel, "email.send.dead"))
        await eventually(lambda: _has_messages(channel, events.name))  # alerting has recorded it and told others


async def test_texts_and_webhooks_are_done_too(users: Users, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    with Partner() as partner:  # out of order for two calls: by way of the delay ladder
        monkeypatch.setenv("WEBHOOK_SECRETS", f"partner={partner.secret}")
        async with (
            running_service(sms, settings_of(users, "sms", tmp_path)),
            running_service(webhook, settings_of(users, "webhook", tmp_path)),
            Publisher(users.amqp_url("publisher")) as publisher,
            await aio_pika.connect(users.vhost.amqp_url) as connection,
        ):
            signed = DeliverWebhook(url=partner.url, body={"n": 1}, secret_name="partner")
            await publisher.publish(signed, options=PublishOptions(backoff="fixed", first_backoff=timedelta(seconds=1)))
            await publisher.publish(SendSms(to="+491511234567", message="Hello"))
            await publisher.publish(SendSms(to="+49", message="Hello"))

            assert (await partner.call(3, within_seconds=seconds(REACTION))).status == 200
            await eventually(lambda: outcome_count("sms.send", "done"))
            channel = await connection.channel()
            await eventually(lambda: _has_messages(channel, "sms.send.dead"))


async def test_ticks_are_published_done_told_and_kept_and_reports_are_made(
    users: Users, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "schedules.yaml").write_text(TICKING)
    monkeypatch.setenv("SCHEDULER_FILE", str(tmp_path / "schedules.yaml"))
    told, kept = "scheduler.on.job.completed", "audit.on.all"
    before = {queue: outcome_count(queue, "done") for queue in (told, kept, "maintenance.clean")}
    async with (
        running_service(scheduler, settings_of(users, "scheduler", tmp_path)),
        running_service(maintenance, settings_of(users, "maintenance", tmp_path)),
        running_service(audit, settings_of(users, "audit", tmp_path)),
        running_service(report, settings_of(users, "report", tmp_path)),
        Publisher(users.amqp_url("publisher")) as publisher,
        await aio_pika.connect(users.vhost.amqp_url) as connection,
    ):
        channel = await connection.channel()
        events = await channel.declare_queue(exclusive=True, durable=False, auto_delete=True)
        await events.bind(wire.EVENTS, "report.ready")
        order = {
            "type": "table",
            "format": "csv",
            "initiatedBy": "a test",
            "rows": [{"n": 1}],
            "email_to": "a@example.com",
        }
        await publisher.publish(GenerateReport.model_validate(order))

        await eventually(lambda: _has_messages(channel, events.name))
        await eventually(lambda: _has_messages(channel, "email.send"))  # the report's mail
        for queue, count in before.items():
            await eventually(lambda queue=queue, count=count: outcome_count(queue, "done") > count)


async def _has_messages(channel: AbstractChannel, queue: str) -> bool:
    declared = await channel.declare_queue(queue, passive=True)
    return bool(declared.declaration_result.message_count)
