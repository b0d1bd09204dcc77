"""Sends one mail, to each recipient once. The steps:

1. Recipients who have it already, in an earlier try or before a crash, are left out; so are those refused for
   good in this round, and those on the suppression list unless a person replayed the mail.
2. The mail is made and sent to the rest in one transaction with the server.
3. The answers are written down at once. A process that dies between the server's answer and this sends the
   mail twice; both carry the same Message-ID.
4. Refused for now: the job is tried again. Refused for good: it becomes a dead letter that names them.
"""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence

from postroom.privacy.masking import mask_address
from postroom.wire.messages import SendEmail
from postroom.worker import Delivery, ProviderContact
from postroom_email.addresses import parse_recipients
from postroom_email.composer import Composer
from postroom_email.delivery_log import DeliveryEntry, DeliveryHistory, DeliveryLog, MailKey, RecipientOutcome
from postroom_email.errors import RecipientsDeferred, RecipientsRefused, RecipientsSuppressed
from postroom_email.mailer import MailEnvelope, Mailer, SmtpReply, SmtpStage

log = logging.getLogger(__name__)

LONGEST_ERROR = 1000  # bytes; a header of ours has 1 KiB
_PLAIN_ID = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
_REFUSED = (RecipientOutcome.REFUSED, RecipientOutcome.NO_SUCH_USER)
_TRY_AGAIN = (RecipientOutcome.DEFERRED, RecipientOutcome.SUPPRESSED)


class MailSender:
    """Delivers mails, each to each recipient once."""

    def __init__(self, mailer: Mailer, delivery_log: DeliveryLog, composer: Composer) -> None:
        self._mailer = mailer
        self._delivery_log = delivery_log
        self._composer = composer

    async def deliver(self, job: SendEmail, delivery: Delivery) -> ProviderContact:
        """Send `job` to all recipients who do not have it yet. Returns whether the server was asked.

        Raises RecipientsDeferred, RecipientsRefused or RecipientsSuppressed naming recipients and answers, and
        what composer and mailer raise.
        """
        recipients = parse_recipients(job)
        mail = mail_key(delivery)
        history = await self._delivery_log.history(mail, recipients.mailboxes)
        entries = dict(history.entries)
        to_try = _still_to_try(recipients.mailboxes, history, delivery.replays)
        news = _newly_suppressed(to_try, history, delivery.replays)
        to_try = [recipient for recipient in to_try if recipient not in news]
        if to_try:
            composed = await self._composer.compose(job, recipients, reference_of(mail))
            envelope = MailEnvelope(composed.sender, tuple(to_try), composed.content, composed.needs_smtputf8)
            answers = await self._mailer.send(envelope)
            news |= {answer.recipient: _entry(answer, delivery.replays) for answer in answers}
        await self._delivery_log.record(mail, list(news.values()))
        _conclude([(entries | news)[recipient] for recipient in recipients.mailboxes], is_answered=bool(to_try))
        return ProviderContact.ANSWERED if to_try else ProviderContact.NOT_ASKED


def mail_key(delivery: Delivery) -> MailKey:
    """The key of a mail in the delivery log."""
    return MailKey(delivery.queue, delivery.ensure_id())


def reference_of(mail: MailKey) -> str:
    """The left side of the Message-ID: the job's id where it is valid there; for listeners, with their queue.

    One event and one job may have the same id, and receivers drop a mail whose Message-ID they know.
    """
    name = mail.job_id if mail.queue == SendEmail.kind else f"{mail.job_id}.{mail.queue}"
    if len(name) <= 200 and _PLAIN_ID.fullmatch(name):
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _still_to_try(recipients: Sequence[str], history: DeliveryHistory, this_round: int) -> list[str]:
    def is_open(entry: DeliveryEntry | None) -> bool:
        if entry is None or entry.outcome in _TRY_AGAIN:
            return True
        return entry.outcome in _REFUSED and entry.round != this_round

    return [recipient for recipient in recipients if is_open(history.entries.get(recipient))]


def _newly_suppressed(to_try: Sequence[str], history: DeliveryHistory, this_round: int) -> dict[str, DeliveryEntry]:
    if this_round:  # a person wants it tried
        return {}
    return {
        recipient: DeliveryEntry(recipient, RecipientOutcome.SUPPRESSED, history.suppressed[recipient], this_round)
        for recipient in to_try
        if recipient in history.suppressed
    }


def _entry(answer: SmtpReply, this_round: int) -> DeliveryEntry:
    if answer.is_accepted:
        outcome = RecipientOutcome.DELIVERED
    elif answer.is_temporary:
        outcome = RecipientOutcome.DEFERRED
    else:
        outcome = RecipientOutcome.NO_SUCH_USER if answer.says_no_such_user else RecipientOutcome.REFUSED
    what = {SmtpStage.SENDER: "sender refused: ", SmtpStage.CONTENT: "", SmtpStage.RECIPIENT: ""}[answer.stage]
    return DeliveryEntry(answer.recipient, outcome, f"{what}{answer}", this_round)


def _conclude(entries: Sequence[DeliveryEntry], *, is_answered: bool) -> None:
    groups: dict[RecipientOutcome, list[DeliveryEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.outcome, []).append(entry)
    failed = [entry for entry in entries if entry.outcome is not RecipientOutcome.DELIVERED]
    if RecipientOutcome.DEFERRED in groups:
        raise RecipientsDeferred(_words(failed, len(entries)), provider_answered=is_answered)
    if not groups.keys().isdisjoint(_REFUSED):
        raise RecipientsRefused(_words(failed, len(entries)), provider_answered=is_answered)
    if RecipientOutcome.DELIVERED not in groups:
        raise RecipientsSuppressed(_words(failed, len(entries)), provider_answered=is_answered)
    for entry in failed:
        log.info("Not written to, on the suppression list: %s", mask_address(entry.recipient))


_VERBS: Mapping[RecipientOutcome, str] = {
    RecipientOutcome.DEFERRED: "deferred",
    RecipientOutcome.REFUSED: "refused",
    RecipientOutcome.NO_SUCH_USER: "refused",
    RecipientOutcome.SUPPRESSED: "suppressed",
}


def _words(failed: Sequence[DeliveryEntry], total: int) -> str:
    """Every recipient that did not get it, with the reason, as far as they fit into LONGEST_ERROR."""
    text = "" if total == 1 else f"{len(failed)} of {total} recipients: "
    for number, entry in enumerate(failed):
        more = f"{entry.recipient} {_VERBS[entry.outcome]} ({entry.answer})"
        rest = f" and {len(failed) - number} more"
        if len((text + more + rest).encode()) > LONGEST_ERROR:
            return text.rstrip("; ") + rest
        text += more + "; "
    return text.rstrip("; ")
