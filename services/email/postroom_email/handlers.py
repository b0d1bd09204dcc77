"""What the e-mail service does: one function per kind of message."""

from datetime import UTC, datetime, timedelta

from postroom.wire.errors import Expired
from postroom.wire.messages import SendEmail, UserCreated, UserPasswordResetRequested
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Delivery, ProviderContact, Worker
from postroom_email.mail_sender import MailSender

worker = Worker("email")

# 12 tries wait 1 + 2 + 4 + … + 1024 s = 34 min in all: greylisting servers want a mail again after 5 to 30 min.
PATIENT = RetryPolicy(attempts=12, backoff=exponential(timedelta(seconds=1)))


@worker.handles(SendEmail, retry=PATIENT)
async def send_email(job: SendEmail, mail_sender: MailSender, delivery: Delivery) -> ProviderContact:
    """Send one mail, to each recipient once."""
    return await mail_sender.deliver(job, delivery)


@worker.listens(UserCreated, retry=PATIENT)
async def user_created(event: UserCreated, mail_sender: MailSender, delivery: Delivery) -> ProviderContact:
    """Welcome somebody new."""
    welcome = SendEmail(
        to=[event.email],
        template="welcome",
        context={"name": event.name, "email": event.email},
        locale=event.locale,
    )
    return await mail_sender.deliver(welcome, delivery)


@worker.listens(UserPasswordResetRequested, retry=PATIENT)
async def user_password_reset_requested(
    event: UserPasswordResetRequested, mail_sender: MailSender, delivery: Delivery
) -> ProviderContact:
    """Send the link for a new password, while it is good for anything."""
    expires_at = event.expires_at
    if expires_at is not None:
        expires_at = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
        if expires_at <= datetime.now(UTC):
            raise Expired("expires_at has passed: the link would not work any more")
    reset = SendEmail(
        to=[event.email],
        template="password-reset",
        context={"reset_url": event.reset_url, "expires_at": expires_at and expires_at.isoformat()},
    )
    return await mail_sender.deliver(reset, delivery)
