from datetime import UTC, datetime, timedelta

import pytest

from postroom.wire.errors import Expired
from postroom.wire.messages import SendEmail, UserCreated, UserPasswordResetRequested
from postroom.worker import Delivery
from postroom_email.handlers import send_email, user_created, user_password_reset_requested, worker
from postroom_email.mail_sender import MailSender
from tests.support.email_fakes import make_delivery, make_send_email


class RecordingMailSender(MailSender):
    def __init__(self) -> None:
        self.jobs: list[SendEmail] = []

    async def deliver(self, job: SendEmail, _delivery: Delivery) -> None:
        self.jobs.append(job)


@pytest.fixture
def mail_sender() -> RecordingMailSender:
    return RecordingMailSender()


def test_the_service_reads_its_three_queues():
    assert set(worker.subscriptions) == {
        "email.send",
        "email.on.user.created",
        "email.on.user.password_reset_requested",
    }


def test_every_handler_is_given_what_it_asks_for(mail_sender: RecordingMailSender):
    for subscription in worker.subscriptions.values():
        assert subscription.bind({MailSender: mail_sender})


def test_tries_outlast_greylisting():
    retry = worker.subscriptions["email.send"].options.retry

    waits = sum((retry.backoff.after(attempt) for attempt in range(1, retry.attempts)), timedelta(0))
    assert waits == timedelta(seconds=2047)


async def test_a_job_is_delivered_as_it_is(mail_sender: RecordingMailSender):
    job = make_send_email()

    await send_email(job, mail_sender, make_delivery())

    assert mail_sender.jobs == [job]


async def test_a_new_user_is_welcomed_in_their_language(mail_sender: RecordingMailSender):
    event = UserCreated(id=1, email="ada@example.com", name="Ada", locale="de-AT")

    await user_created(event, mail_sender, make_delivery())

    (mail,) = mail_sender.jobs
    assert (mail.to, mail.template, mail.locale) == (["ada@example.com"], "welcome", "de-AT")
    assert mail.context == {"name": "Ada", "email": "ada@example.com"}


async def test_a_reset_link_is_sent_while_it_works(mail_sender: RecordingMailSender):
    soon = datetime.now(UTC) + timedelta(hours=1)
    event = UserPasswordResetRequested(id=1, email="ada@example.com", reset_url="https://x.example/r", expires_at=soon)

    await user_password_reset_requested(event, mail_sender, make_delivery())

    assert mail_sender.jobs[0].context == {"reset_url": "https://x.example/r", "expires_at": soon.isoformat()}


@pytest.mark.parametrize("zone", [UTC, None])
async def test_a_reset_link_that_works_no_more_is_not_sent(mail_sender: RecordingMailSender, zone):
    past = (datetime.now(UTC) - timedelta(seconds=1)).replace(tzinfo=zone)
    event = UserPasswordResetRequested(id=1, email="ada@example.com", reset_url="https://x.example/r", expires_at=past)

    with pytest.raises(Expired):
        await user_password_reset_requested(event, mail_sender, make_delivery())

    assert mail_sender.jobs == []
