"""What every delivery log keeps, run against the fake and the real tables, which the migrations made."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom_email.delivery_log import DeliveryEntry, DeliveryLog, MailKey, RecipientOutcome
from postroom_email.delivery_log.sql import SqlDeliveryLog
from tests.support.databases import service_database
from tests.support.email_fakes import MemoryDeliveryLog

MAIL, OTHER = MailKey("email.send", "job-1"), MailKey("email.on.user.created", "job-1")
ADA, BOB = "ada@example.com", "Bob@example.com"


@pytest.fixture(params=["sqlite", "postgresql", "fake"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite+aiosqlite:///{tmp_path}/email.sqlite3" if request.param == "sqlite" else None


@pytest.fixture
async def delivery_log(database_url: str | None) -> AsyncIterator[DeliveryLog]:
    if database_url is None:
        yield MemoryDeliveryLog()
        return
    database = service_database(database_url, "email")
    await database.migrate()
    yield SqlDeliveryLog(database)
    await database.close()


async def test_nothing_is_known_of_a_new_mail(delivery_log: DeliveryLog):
    history = await delivery_log.history(MAIL, [ADA, BOB])

    assert (history.entries, history.suppressed) == ({}, {})


async def test_outcomes_are_remembered_by_mail_and_recipient(delivery_log: DeliveryLog):
    await delivery_log.record(
        MAIL,
        [
            DeliveryEntry(ADA, RecipientOutcome.DELIVERED, "250 ok"),
            DeliveryEntry(BOB, RecipientOutcome.REFUSED, "550 no", 2),
        ],
    )

    history = await delivery_log.history(MAIL, [ADA, BOB])

    assert history.entries[ADA].outcome is RecipientOutcome.DELIVERED
    assert (history.entries[BOB].outcome, history.entries[BOB].answer) == (RecipientOutcome.REFUSED, "550 no")
    assert history.entries[BOB].round == 2
    assert (await delivery_log.history(OTHER, [ADA])).entries == {}


async def test_case_makes_no_other_recipient(delivery_log: DeliveryLog):
    await delivery_log.record(MAIL, [DeliveryEntry(BOB, RecipientOutcome.DELIVERED, "250 ok")])

    assert set((await delivery_log.history(MAIL, ["BOB@example.com"])).entries) == {"BOB@example.com"}


async def test_a_newer_outcome_replaces_the_older(delivery_log: DeliveryLog):
    await delivery_log.record(MAIL, [DeliveryEntry(ADA, RecipientOutcome.DEFERRED, "451 later")])
    await delivery_log.record(MAIL, [DeliveryEntry(ADA, RecipientOutcome.DELIVERED, "250 ok", 1)])

    entry = (await delivery_log.history(MAIL, [ADA])).entries[ADA]
    assert (entry.outcome, entry.round) == (RecipientOutcome.DELIVERED, 1)


async def test_no_such_user_is_suppressed_with_its_first_reason(delivery_log: DeliveryLog):
    await delivery_log.record(MAIL, [DeliveryEntry(BOB, RecipientOutcome.NO_SUCH_USER, "550 5.1.1 gone")])
    await delivery_log.record(OTHER, [DeliveryEntry(BOB, RecipientOutcome.NO_SUCH_USER, "550 5.1.1 still gone")])

    assert (await delivery_log.history(OTHER, ["bob@example.com", ADA])).suppressed == {
        "bob@example.com": "550 5.1.1 gone"
    }


async def test_only_no_such_user_suppresses(delivery_log: DeliveryLog):
    outcomes = (RecipientOutcome.DEFERRED, RecipientOutcome.REFUSED, RecipientOutcome.SUPPRESSED)
    await delivery_log.record(MAIL, [DeliveryEntry(f"{outcome.name}@example.com", outcome, "") for outcome in outcomes])

    addresses = [f"{outcome.name}@example.com" for outcome in outcomes]
    assert (await delivery_log.history(MAIL, addresses)).suppressed == {}


async def test_delivery_takes_an_address_off_the_list(delivery_log: DeliveryLog):
    await delivery_log.suppress("ADA@example.com", "complained")
    assert (await delivery_log.history(MAIL, [ADA])).suppressed == {ADA: "complained"}

    await delivery_log.record(MAIL, [DeliveryEntry(ADA, RecipientOutcome.DELIVERED, "250 ok", 1)])

    assert (await delivery_log.history(MAIL, [ADA])).suppressed == {}


async def test_recording_nothing_is_fine(delivery_log: DeliveryLog):
    await delivery_log.record(MAIL, [])


async def test_many_mails_at_once_keep_apart(delivery_log: DeliveryLog):
    mails = [MailKey("email.send", f"job-{i}") for i in range(300)]

    await asyncio.gather(
        *(
            delivery_log.record(mail, [DeliveryEntry(f"user{i}@example.com", RecipientOutcome.DELIVERED, str(i))])
            for i, mail in enumerate(mails)
        )
    )
    standings = await asyncio.gather(
        *(delivery_log.history(mail, [f"user{i}@example.com", ADA]) for i, mail in enumerate(mails))
    )

    answers = [[entry.answer for entry in history.entries.values()] for history in standings]
    assert answers == [[str(i)] for i in range(300)]


async def test_long_answers_are_kept_short(delivery_log: DeliveryLog):
    await delivery_log.record(MAIL, [DeliveryEntry(ADA, RecipientOutcome.NO_SUCH_USER, "550 5.1.1 " + "x" * 1000)])

    assert (await delivery_log.history(MAIL, [ADA])).entries[ADA].answer.startswith("550 5.1.1 xxx")
