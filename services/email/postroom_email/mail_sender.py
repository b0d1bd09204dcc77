"""The life of one mail: who still has to get it, send it, write down the answers, say what is left to do.

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
from postroom.runtime import Delivery, Provider
from postroom.wire.messages import SendEmail
from postroom_email.addresses import parse_recipients
from postroom_email.composer import Composer
from postroom_email.delivery_log import Entry, Ledger, MailKey, Outcome, Standing
from postroom_email.errors import RecipientsDeferred, RecipientsRefused, RecipientsSuppressed
from postroom_email.mailer import Answer, Envelope, Mailer, Stage

log = logging.getLogger(__name__)

LONGEST_ERROR = 1000  # bytes; a header of ours has 1 KiB
_PLAIN_ID = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
_REFUSED = (Outcome.REFUSED, Outcome.NO_SUCH_USER)
_TRY_AGAIN = (Outcome.DEFERRED, Outcome.SUPPRESSED)


class Postman:
    """Delivers mails, each to each recipient once."""

    def __init__(self, mailer: Mailer, ledger: Ledger, composer: Composer) -> None:
        self._mailer = mailer
        self._ledger = ledger
        self._composer = composer

    async def deliver(self, job: SendEmail, delivery: Delivery) -> Provider:
        """Send `job` to all who have not got it; whether the server was asked.

        Raises RecipientsDeferred, RecipientsRefused or RecipientsSuppressed naming recipients and answers, and
        what composer and mailer raise.
        """
        recipients = parse_recipients(job)
        mail = mail_key(delivery)
        standing = await self._ledger.standing(mail, recipients.mailboxes)
        entries = dict(standing.entries)
        to_try = _still_to_try(recipients.mailboxes, standing, delivery.replays)
        news = _newly_suppressed(to_try, standing, delivery.replays)
        to_try = [recipient for recipient in to_try if recipient not in news]
        if to_try:
            composed = await self._composer.compose(job, recipients, reference_of(mail))
            envelope = Envelope(composed.sender, tuple(to_try), composed.content, composed.needs_smtputf8)
            answers = await self._mailer.send(envelope)
            news |= {answer.recipient: _entry(answer, delivery.replays) for answer in answers}
        await self._ledger.record(mail, list(news.values()))
        _conclude([(entries | news)[recipient] for recipient in recipients.mailboxes], is_answered=bool(to_try))
        return Provider.ANSWERED if to_try else Provider.NOT_ASKED


def mail_key(delivery: Delivery) -> MailKey:
    """Under which name a mail is remembered."""
    return MailKey(delivery.queue, delivery.ensure_id())


def reference_of(mail: MailKey) -> str:
    """The left side of the Message-ID: the job's id where it can stand there; of listeners, with their queue.

    One event and one job may have the same id, and receivers drop a mail whose Message-ID they know.
    """
    name = mail.job_id if mail.queue == SendEmail.kind else f"{mail.job_id}.{mail.queue}"
    if len(name) <= 200 and _PLAIN_ID.fullmatch(name):
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _still_to_try(recipients: Sequence[str], standing: Standing, this_round: int) -> list[str]:
    def is_open(entry: Entry | None) -> bool:
        if entry is None or entry.outcome in _TRY_AGAIN:
            return True
        return entry.outcome in _REFUSED and entry.round != this_round

    return [recipient for recipient in recipients if is_open(standing.entries.get(recipient))]


def _newly_suppressed(to_try: Sequence[str], standing: Standing, this_round: int) -> dict[str, Entry]:
    if this_round:  # a person wants it tried
        return {}
    return {
        recipient: Entry(recipient, Outcome.SUPPRESSED, standing.suppressed[recipient], this_round)
        for recipient in to_try
        if recipient in standing.suppressed
    }


def _entry(answer: Answer, this_round: int) -> Entry:
    if answer.is_accepted:
        outcome = Outcome.DELIVERED
    elif answer.is_temporary:
        outcome = Outcome.DEFERRED
    else:
        outcome = Outcome.NO_SUCH_USER if answer.says_no_such_user else Outcome.REFUSED
    what = {Stage.SENDER: "sender refused: ", Stage.CONTENT: "", Stage.RECIPIENT: ""}[answer.stage]
    return Entry(answer.recipient, outcome, f"{what}{answer}", this_round)


def _conclude(entries: Sequence[Entry], *, is_answered: bool) -> None:
    groups: dict[Outcome, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.outcome, []).append(entry)
    failed = [entry for entry in entries if entry.outcome is not Outcome.DELIVERED]
    if Outcome.DEFERRED in groups:
        raise RecipientsDeferred(_words(failed, len(entries)), provider_answered=is_answered)
    if not groups.keys().isdisjoint(_REFUSED):
        raise RecipientsRefused(_words(failed, len(entries)), provider_answered=is_answered)
    if Outcome.DELIVERED not in groups:
        raise RecipientsSuppressed(_words(failed, len(entries)), provider_answered=is_answered)
    for entry in failed:
        log.info("Not written to, on the suppression list: %s", mask_address(entry.recipient))


_VERBS: Mapping[Outcome, str] = {
    Outcome.DEFERRED: "deferred",
    Outcome.REFUSED: "refused",
    Outcome.NO_SUCH_USER: "refused",
    Outcome.SUPPRESSED: "suppressed",
}


def _words(failed: Sequence[Entry], total: int) -> str:
    """Every recipient that did not get it, with the reason, as far as the room goes."""
    text = "" if total == 1 else f"{len(failed)} of {total} recipients: "
    for number, entry in enumerate(failed):
        more = f"{entry.recipient} {_VERBS[entry.outcome]} ({entry.answer})"
        rest = f" and {len(failed) - number} more"
        if len((text + more + rest).encode()) > LONGEST_ERROR:
            return text.rstrip("; ") + rest
        text += more + "; "
    return text.rstrip("; ")
