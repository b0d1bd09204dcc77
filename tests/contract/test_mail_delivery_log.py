"""What every ledger keeps, run against the fake and the real tables, which the migrations made."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom_email.delivery_log import Entry, Ledger, MailKey, Outcome
from postroom_email.delivery_log.sql import SqlLedger
from tests.support.databases import service_database
from tests.support.email_fakes import MemoryLedger

MAIL, OTHER = MailKey("email.send", "job-1"), MailKey("email.on.user.created", "job-1")
ADA, BOB = "ada@example.com", "Bob@example.com"


@pytest.fixture(params=["sqlite", "postgresql", "fake"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite+aiosqlite:///{tmp_path}/email.sqlite3" if request.param == "sqlite" else None


@pytest.fixture
async def ledger(database_url: str | None) -> AsyncIterator[Ledger]:
    if database_url is None:
        yield MemoryLedger()
        return
    database = service_database(database_url, "email")
    await database.migrate()
    yield SqlLedger(database)
    await database.close()


async def test_nothing_is_known_of_a_new_mail(ledger: Ledger):
    standing = await ledger.standing(MAIL, [ADA, BOB])

    assert (standing.entries, standing.suppressed) == ({}, {})


async def test_outcomes_are_remembered_by_mail_and_recipient(ledger: Ledger):
    await ledger.record(MAIL, [Entry(ADA, Outcome.DELIVERED, "250 ok"), Entry(BOB, Outcome.REFUSED, "550 no", 2)])

    standing = await ledger.standing(MAIL, [ADA, BOB])

    assert standing.entries[ADA].outcome is Outcome.DELIVERED
    assert (standing.entries[BOB].outcome, standing.entries[BOB].answer) == (Outcome.REFUSED, "550 no")
    assert standing.entries[BOB].round == 2
    assert (await ledger.standing(OTHER, [ADA])).entries == {}


async def test_case_makes_no_other_recipient(ledger: Ledger):
    await ledger.record(MAIL, [Entry(BOB, Outcome.DELIVERED, "250 ok")])

    assert set((await ledger.standing(MAIL, ["BOB@example.com"])).entries) == {"BOB@example.com"}


async def test_a_newer_outcome_replaces_the_older(ledger: Ledger):
    await ledger.record(MAIL, [Entry(ADA, Outcome.DEFERRED, "451 later")])
    await ledger.record(MAIL, [Entry(ADA, Outcome.DELIVERED, "250 ok", 1)])

    entry = (await ledger.standing(MAIL, [ADA])).entries[ADA]
    assert (entry.outcome, entry.round) == (Outcome.DELIVERED, 1)


async def test_no_such_user_is_suppressed_with_its_first_reason(ledger: Ledger):
    await ledger.record(MAIL, [Entry(BOB, Outcome.NO_SUCH_USER, "550 5.1.1 gone")])
    await ledger.record(OTHER, [Entry(BOB, Outcome.NO_SUCH_USER, "550 5.1.1 still gone")])

    assert (await ledger.standing(OTHER, ["bob@example.com", ADA])).suppressed == {"bob@example.com": "550 5.1.1 gone"}


async def test_only_no_such_user_suppresses(ledger: Ledger):
    outcomes = (Outcome.DEFERRED, Outcome.REFUSED, Outcome.SUPPRESSED)
    await ledger.record(MAIL, [Entry(f"{outcome.name}@example.com", outcome, "") for outcome in outcomes])

    addresses = [f"{outcome.name}@example.com" for outcome in outcomes]
    assert (await ledger.standing(MAIL, addresses)).suppressed == {}


async def test_delivery_takes_an_address_off_the_list(ledger: Ledger):
    await ledger.suppress("ADA@example.com", "complained")
    assert (await ledger.standing(MAIL, [ADA])).suppressed == {ADA: "complained"}

    await ledger.record(MAIL, [Entry(ADA, Outcome.DELIVERED, "250 ok", 1)])

    assert (await ledger.standing(MAIL, [ADA])).suppressed == {}


async def test_recording_nothing_is_fine(ledger: Ledger):
    await ledger.record(MAIL, [])


async def test_many_mails_at_once_keep_apart(ledger: Ledger):
    mails = [MailKey("email.send", f"job-{i}") for i in range(300)]

    await asyncio.gather(
        *(
            ledger.record(mail, [Entry(f"user{i}@example.com", Outcome.DELIVERED, str(i))])
            for i, mail in enumerate(mails)
        )
    )
    standings = await asyncio.gather(
        *(ledger.standing(mail, [f"user{i}@example.com", ADA]) for i, mail in enumerate(mails))
    )

    answers = [[entry.answer for entry in standing.entries.values()] for standing in standings]
    assert answers == [[str(i)] for i in range(300)]


async def test_long_answers_are_kept_short(ledger: Ledger):
    await ledger.record(MAIL, [Entry(ADA, Outcome.NO_SUCH_USER, "550 5.1.1 " + "x" * 1000)])

    assert (await ledger.standing(MAIL, [ADA])).entries[ADA].answer.startswith("550 5.1.1 xxx")
