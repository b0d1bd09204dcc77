"""What the SMS service does: one function per kind of message."""

from datetime import timedelta

from postroom.wire.messages import SendSms, UserOtpRequested
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Delivery, Keep, ProviderContact, Worker
from postroom_sms.rate_limit import Priority
from postroom_sms.text_sender import TextSender
from postroom_sms.validation import TextRequest
from postroom_sms.wording import CodeWording

worker = Worker("sms")

# 10 tries wait 2 + 4 + 8 + … + 512 s = 17 min in all.
PATIENT = RetryPolicy(attempts=10, backoff=exponential(timedelta(seconds=2)))

# 8 tries wait 1 + 2 + 4 + … + 64 s = 2 min in all: a code lives for some minutes.
QUICK = RetryPolicy(attempts=8, backoff=exponential(timedelta(seconds=1)))

IN_WORK = 100
"""Texts at once per process and queue: with a gateway that answers in 0.2 s, 500 a second. Two queues, so that at
most 200 are under way; one-time codes wait behind no other text."""


@worker.handles(SendSms, retry=PATIENT, prefetch=IN_WORK)
async def send_sms(job: SendSms, text_sender: TextSender, delivery: Delivery) -> ProviderContact:
    """Send one text, once."""
    return await text_sender.deliver(TextRequest(job.to, job.message, job.sender), delivery, Priority.BULK)


@worker.listens(UserOtpRequested, retry=QUICK, prefetch=IN_WORK, history=Keep.ALWAYS)
async def user_otp_requested(
    event: UserOtpRequested, text_sender: TextSender, wording: CodeWording, delivery: Delivery
) -> ProviderContact:
    """Send a one-time code before all other texts, while it is good for anything."""
    request = TextRequest(
        event.phone,
        wording.with_code(event.code),
        expires_at=event.expires_at,
        number_field="phone",
        secret=event.code,
    )
    return await text_sender.deliver(request, delivery, Priority.URGENT)
