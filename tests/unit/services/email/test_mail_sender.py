import pytest

from postroom import wire
from postroom.wire.errors import JobError
from postroom.wire.messages import SendEmail
from postroom.worker import ProviderContact
from postroom_email.addresses import parse_address
from postroom_email.composer import AllowedSenders
from postroom_email.delivery_log import MailKey
from postroom_email.errors import (
    MailServersUnavailable,
    RecipientsDeferred,
    RecipientsRefused,
    RecipientsSuppressed,
)
from postroom_email.mail_sender import MailSender, mail_key, reference_of
from tests.support.email_fakes import (
    MemoryDeliveryLog,
    RecordingMailer,
    make_delivery,
    make_mail_sender,
    make_send_email,
)

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
NOBODY = (550, "5.1.1 no such user")
BUSY = (451, "4.3.0 try later")


@pytest.fixture
def mailer() -> RecordingMailer:
    return RecordingMailer()


@pytest.fixture
def delivery_log() -> MemoryDeliveryLog:
    return MemoryDeliveryLog()


@pytest.fixture
def mail_sender(mailer: RecordingMailer, delivery_log: MemoryDeliveryLog) -> MailSender:
    return make_mail_sender(mailer, delivery_log)


def replay_of_round(number: int):
    """A dead letter that was moved back for the `number`th time."""
    headers = {wire.X_FAILED_AT: "2026-01-01T00:00:00Z", wire.X_REPLAYS: number - 1}
    return make_delivery(headers=headers)


async def test_a_mail_goes_to_everyone_in_one_transaction(mail_sender: MailSender, mailer: RecordingMailer):
    await mail_sender.deliver(make_send_email(to=[ADA], cc=[BOB], bcc=[EVE]), make_delivery())

    assert mailer.recipients == [(ADA, BOB, EVE)]


async def test_a_redelivered_mail_is_not_sent_again(mail_sender: MailSender, mailer: RecordingMailer):
    await mail_sender.deliver(make_send_email(), make_delivery())

    await mail_sender.deliver(make_send_email(), make_delivery(redelivered=True))

    assert mailer.recipients == [(ADA,)]


async def test_what_a_mail_tells_of_the_server_is_only_what_the_server_said(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    async def tells(job: SendEmail, message_id: str) -> bool:
        try:
            return await mail_sender.deliver(job, make_delivery(message_id=message_id)) is ProviderContact.ANSWERED
        except JobError as error:
            return error.provider_answered

    mailer.refusals |= {BOB: BUSY, EVE: NOBODY}
    assert await tells(make_send_email(), "sent")
    assert await tells(make_send_email(to=[BOB]), "deferred")
    assert await tells(make_send_email(to=[EVE]), "refused")

    assert await tells(make_send_email(), "sent") is False  # it was sent before
    assert await tells(make_send_email(to=[EVE]), "suppressed") is False
    assert await tells(make_send_email(template="none such"), "invalid") is False
    mailer.error = MailServersUnavailable("refused")
    assert await tells(make_send_email(), "away") is False


async def test_a_refused_recipient_is_named_and_the_others_get_it(mail_sender: MailSender, mailer: RecordingMailer):
    mailer.refusals[BOB] = (550, "5.7.1 blocked")

    with pytest.raises(RecipientsRefused) as caught:
        await mail_sender.deliver(make_send_email(to=[ADA, BOB, EVE]), make_delivery())

    assert str(caught.value) == "1 of 3 recipients: bob@example.com refused (550 5.7.1 blocked)"
    assert mailer.recipients == [(ADA, EVE)]


async def test_only_those_refused_for_now_are_tried_again(mail_sender: MailSender, mailer: RecordingMailer):
    job = make_send_email(to=[ADA, BOB, EVE])
    mailer.refusals |= {BOB: BUSY, EVE: (550, "5.7.1 blocked")}
    with pytest.raises(RecipientsDeferred, match=r"bob@.* deferred \(451 .*eve@.* refused \(550"):
        await mail_sender.deliver(job, make_delivery())
    del mailer.refusals[BOB]

    with pytest.raises(RecipientsRefused, match=r"^1 of 3 recipients: eve@example.com refused \(550 5.7.1 blocked\)$"):
        await mail_sender.deliver(job, make_delivery(headers={wire.X_ATTEMPT: 1}))

    assert mailer.recipients == [(ADA,), (BOB,)]


async def test_a_replay_goes_to_those_who_have_not_got_it(mail_sender: MailSender, mailer: RecordingMailer):
    job = make_send_email(to=[ADA, BOB])
    mailer.refusals[BOB] = (550, "5.7.1 blocked")
    with pytest.raises(RecipientsRefused):
        await mail_sender.deliver(job, make_delivery())
    with pytest.raises(RecipientsRefused):
        await mail_sender.deliver(job, replay_of_round(1))
    mailer.refusals.clear()

    await mail_sender.deliver(job, replay_of_round(2))

    assert mailer.recipients == [(ADA,), (BOB,)]


async def test_a_retry_within_a_replay_leaves_out_who_was_refused_in_it(
    mail_sender: MailSender, mailer: RecordingMailer
):
    job = make_send_email(to=[ADA, BOB])
    mailer.refusals |= {ADA: NOBODY, BOB: BUSY}
    with pytest.raises(RecipientsDeferred):
        await mail_sender.deliver(job, replay_of_round(1))
    mailer.refusals.clear()

    with pytest.raises(RecipientsRefused, match=r"^1 of 2 recipients: ada"):
        await mail_sender.deliver(job, make_delivery(headers={wire.X_REPLAYS: 1, wire.X_ATTEMPT: 1}))

    assert mailer.recipients == [(BOB,)]


async def test_a_mailbox_that_does_not_exist_is_suppressed(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    mailer.refusals[ADA] = NOBODY

    with pytest.raises(RecipientsRefused):
        await mail_sender.deliver(make_send_email(), make_delivery())

    assert delivery_log.suppressed == {ADA: "550 5.1.1 no such user"}


@pytest.mark.parametrize("answer", [(550, "5.7.1 blocked"), (552, "5.2.2 mailbox full"), BUSY])
async def test_another_refusal_suppresses_nobody(
    answer, mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    mailer.refusals[ADA] = answer

    with pytest.raises((RecipientsRefused, RecipientsDeferred)):
        await mail_sender.deliver(make_send_email(), make_delivery())

    assert delivery_log.suppressed == {}


async def test_refused_content_suppresses_nobody(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    mailer.content_answer = (550, "5.1.1 odd")

    with pytest.raises(RecipientsRefused):
        await mail_sender.deliver(make_send_email(), make_delivery())

    assert delivery_log.suppressed == {}


async def test_a_suppressed_address_is_not_written_to(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    await delivery_log.suppress("Ada@Example.com", "550 5.1.1 no such user")

    with pytest.raises(RecipientsSuppressed, match=r"^ada@example.com suppressed \(550 5.1.1 no such user\)$"):
        await mail_sender.deliver(make_send_email(), make_delivery())

    assert mailer.sent == []


async def test_the_others_get_a_mail_to_a_suppressed_address(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    await delivery_log.suppress(ADA, "complained")

    await mail_sender.deliver(make_send_email(to=[ADA, BOB]), make_delivery())

    assert mailer.recipients == [(BOB,)]
    assert delivery_log.entries[MailKey("email.send", "job-1"), ADA].outcome == "suppressed"


async def test_a_replay_is_tried_all_the_same_and_success_takes_the_address_off(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    await delivery_log.suppress(ADA, "550 5.1.1 no such user")
    with pytest.raises(RecipientsSuppressed):
        await mail_sender.deliver(make_send_email(), make_delivery())

    await mail_sender.deliver(make_send_email(), replay_of_round(1))

    assert mailer.recipients == [(ADA,)]
    assert delivery_log.suppressed == {}


async def test_servers_that_are_away_leave_no_trace(
    mail_sender: MailSender, mailer: RecordingMailer, delivery_log: MemoryDeliveryLog
):
    mailer.error = MailServersUnavailable("refused")
    with pytest.raises(MailServersUnavailable):
        await mail_sender.deliver(make_send_email(), make_delivery())
    mailer.error = None

    await mail_sender.deliver(make_send_email(), make_delivery())

    assert mailer.recipients == [(ADA,)]


async def test_the_error_of_a_hundred_recipients_fits_a_header(mail_sender: MailSender, mailer: RecordingMailer):
    everyone = [f"user{i}@example.com" for i in range(100)]
    mailer.refusals |= dict.fromkeys(everyone, (550, "5.7.1 " + "blöcked " * 20))

    with pytest.raises(RecipientsRefused) as caught:
        await mail_sender.deliver(make_send_email(to=everyone), make_delivery())

    assert len(str(caught.value).encode()) <= wire.MAX_ERROR_BYTES
    assert str(caught.value).startswith("100 of 100 recipients: user0@example.com refused")
    assert str(caught.value).endswith("more")


async def test_a_message_without_an_id_gets_one_that_its_retries_keep(mail_sender: MailSender, mailer: RecordingMailer):
    job = make_send_email(to=[ADA, BOB])
    mailer.refusals[BOB] = BUSY
    first = make_delivery(job, message_id=None)
    with pytest.raises(RecipientsDeferred):
        await mail_sender.deliver(job, first)
    mailer.refusals.clear()

    await mail_sender.deliver(job, make_delivery(job, message_id=first.message_id, headers={wire.X_ATTEMPT: 1}))

    assert mailer.recipients == [(ADA,), (BOB,)]


def test_two_messages_without_an_id_are_two_mails():
    job = make_send_email()

    first, second = (mail_key(make_delivery(job, message_id=None, received_at=at)) for at in (1.0, 2.0))

    assert first != second


@pytest.mark.parametrize("job_id", ["a b", "a@b", "<x>", "ü", "a" * 250, "..", "a\r\nb"])
def test_any_job_id_makes_a_valid_message_id(job_id: str):
    reference = reference_of(MailKey("email.send", job_id))

    assert reference.isalnum()
    assert len(reference) == 32


def test_an_event_and_a_job_with_one_id_are_two_message_ids():
    assert reference_of(MailKey("email.send", "42")) == "42"
    assert reference_of(MailKey("email.on.user.created", "42")) == "42.email.on.user.created"


async def test_a_refused_sender_is_told_apart(delivery_log: MemoryDeliveryLog):
    from postroom_email.mailer import SmtpReply, SmtpStage

    class NoSender(RecordingMailer):
        async def send(self, envelope):
            return [SmtpReply(recipient, 553, "5.7.1 not yours", SmtpStage.SENDER) for recipient in envelope.recipients]

    senders = AllowedSenders(parse_address("sender", "x@postroom.example"))

    with pytest.raises(RecipientsRefused, match=r"sender refused: 553 5.7.1 not yours"):
        await make_mail_sender(NoSender(), delivery_log, senders=senders).deliver(make_send_email(), make_delivery())

    assert delivery_log.suppressed == {}
