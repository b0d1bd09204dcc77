"""What is old goes, what is not stays, and whoever writes meanwhile hardly waits."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.storage.object_storage import NoSuchObject, ObjectStorage
from postroom.storage.retention import Retention
from postroom.wire.errors import PermanentFailure
from postroom.wire.messages import JobRecorded, Recipient, RecordedTry
from postroom_audit.events import DeadLetterEvent
from postroom_audit.sql_events import SqlEventLog
from postroom_maintenance.batches import AIM, LARGEST_BATCH, LONGEST_PAUSE_SECONDS, Batches
from postroom_maintenance.cleaning import Cleaner, targets
from postroom_maintenance.databases import ServiceDatabases
from tests.support.databases import service_database
from tests.support.maintenance import (
    NOW,
    OLD,
    YOUNG,
    add_run,
    count,
    fill_history,
    fill_inbox,
    opened,
    runtime_settings,
)
from tests.support.patience import seconds
from tests.support.statements import on_each_statement

ROWS = int(os.environ.get("MAINTENANCE_TEST_ROWS", "30000"))
"""1000000 is what is promised; it takes some minutes."""
by_hand = pytest.mark.timeout(seconds(timedelta(seconds=900 + ROWS / 500)))


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> RuntimeSettings:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return runtime_settings(tmp_path / "data", url)


@pytest.fixture
async def email(settings: RuntimeSettings) -> AsyncIterator[Database]:
    database = await opened(settings, "email")
    yield database
    await database.close()


@pytest.fixture
def reports(tmp_path: Path) -> ObjectStorage:
    return ObjectStorage((tmp_path / "reports").as_uri())


@pytest.fixture
def cleaner(settings: RuntimeSettings, reports: ObjectStorage) -> Cleaner:
    return Cleaner(ServiceDatabases(settings), reports, settings.data_dir)


async def test_old_history_of_every_service_goes_and_young_stays(
    cleaner: Cleaner, email: Database, settings: RuntimeSettings
) -> None:
    audit = await opened(settings, "audit")
    for database in (email, audit):
        await fill_history(database, 1500, OLD)
        await fill_history(database, 10, YOUNG)

    assert await cleaner.clean("history", 90) == 3000

    assert [await count(database, "history") for database in (email, audit)] == [10, 10]
    await audit.close()


async def test_old_tries_go_with_whom_they_were_for_and_what_became_of_them(
    cleaner: Cleaner, settings: RuntimeSettings
) -> None:
    audit = await opened(settings, "audit")
    log = SqlEventLog(audit)
    for name, at in (("old", OLD), ("young", YOUNG)):
        recipient = Recipient(masked="a•••@example.com", digest="d")
        told = {"id": name, "at": at, "queue": "q", "kind": "q", "message_id": name, "attempt": 1, "outcome": "done"}
        each = RecordedTry.model_validate(told | {"milliseconds": 1, "recipients": [recipient]})
        await log.record_tries(JobRecorded(service="email", tries=[each]))
        await log.record_letters([DeadLetterEvent(name, "q", name, at, "replayed")])

    assert await cleaner.clean("history", 90) == 3

    tables = ("tries", "try_recipients", "dead_letter_events")
    assert [await count(audit, table) for table in tables] == [1, 1, 1]
    await audit.close()


async def test_what_is_being_done_stays_in_the_inbox_however_old(cleaner: Cleaner, email: Database) -> None:
    await fill_inbox(email, 20, OLD)
    await fill_inbox(email, 5, YOUNG)
    await fill_inbox(email, 3, None)

    assert await cleaner.clean("inbox", 7) == 20

    assert await count(email, "inbox") == 8


async def test_an_expired_report_goes_with_its_documents(
    cleaner: Cleaner, reports: ObjectStorage, settings: RuntimeSettings, tmp_path: Path
) -> None:
    database = await opened(settings, "report")
    source = tmp_path / "source"
    source.write_bytes(b"%PDF-")
    for key in ("a/index.json", "a/1.pdf", "a/2.pdf", "b/1.pdf"):
        await reports.write(key, source, "application/pdf")
    await add_run(database, "expired", ["a/index.json", "a/1.pdf", "a/2.pdf"], NOW - timedelta(hours=1))
    await add_run(database, "kept", ["b/1.pdf"], NOW + timedelta(days=1))

    assert await cleaner.clean("reports", 0) == 1

    assert [await count(database, table) for table in ("report_runs", "report_documents")] == [1, 1]
    assert await reports.size("b/1.pdf") == 5
    with pytest.raises(NoSuchObject):
        await reports.size("a/2.pdf")
    assert await cleaner.clean("reports", 0) == 0
    await database.close()


async def test_old_mails_of_the_data_folder_go(cleaner: Cleaner, settings: RuntimeSettings) -> None:
    folder = settings.data_dir / "mail"
    folder.mkdir(parents=True)
    for name, at in (("old.eml", OLD), ("young.eml", YOUNG), ("other.txt", OLD)):
        (folder / name).write_text("x")
        os.utime(folder / name, (at.timestamp(), at.timestamp()))

    assert await cleaner.clean("mails", 30) == 1

    assert sorted(path.name for path in folder.iterdir()) == ["other.txt", "young.eml"]


def make_old(path: Path) -> None:
    os.utime(path, (OLD.timestamp(), OLD.timestamp()))


async def test_what_killed_chores_left_goes_and_nothing_else(
    cleaner: Cleaner, settings: RuntimeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, incoming = tmp_path / "temporary", settings.data_dir / "reports" / ".incoming"
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    for folder in (
        temporary / "postroom-back-up-old",
        temporary / "postroom-back-up-new",
        temporary / "other",
        incoming,
    ):
        folder.mkdir(parents=True)
    (incoming / "half").write_text("x")
    for path in (temporary / "postroom-back-up-old", temporary / "other", incoming / "half"):
        make_old(path)

    assert await cleaner.clean("temporary-files", 1) == 2

    assert sorted(path.name for path in temporary.iterdir()) == ["other", "postroom-back-up-new"]


async def test_an_unknown_target_names_those_there_are(cleaner: Cleaner) -> None:
    with pytest.raises(PermanentFailure, match=r"no 'moon'.*history, inbox, mails"):
        await cleaner.clean("moon", 1)


def test_every_service_says_what_may_go() -> None:
    expected = {"history", "inbox", "reports", "events", "failures", "deliveries", "ticks", "mails", "temporary-files"}
    assert targets() == expected


@by_hand
async def test_many_rows_are_cleaned_in_small_transactions_between_which_others_write(
    settings: RuntimeSettings, email: Database
) -> None:
    transactions = deletions(email)
    await fill_history(email, ROWS, OLD)
    writer = service_database(settings.service_database_url("email"), "email")
    waits: list[float] = []

    async def keep_writing() -> None:
        beat = text("INSERT INTO workers (holder, beats) VALUES ('w', 1) ON CONFLICT (holder) DO UPDATE SET beats = 1")
        while True:
            began = time.perf_counter()
            await writer.run(lambda connection: connection.execute(beat))
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.002)

    writing = asyncio.create_task(keep_writing())
    batches, began = Batches(email), time.perf_counter()
    deleted = await batches.delete_old(Retention("history", "history", "at"), NOW - timedelta(days=90))
    took = time.perf_counter() - began
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await writer.close()

    print(  # noqa: T201 - the numbers are what it is for
        f"\n{deleted:,} rows in {took:.1f} s; longest transaction {batches.longest.total_seconds() * 1000:.0f} ms; "
        f"{len(waits):,} writes beside it, the longest {max(waits) * 1000:.0f} ms"
    )
    assert deleted == ROWS
    assert await count(email, "history") == 0
    assert max(transactions) <= LARGEST_BATCH
    assert len(waits) > 1


class DiskClock:
    """A clock by which only deleting takes time: so much for each row."""

    def __init__(self, database: Database, milliseconds_a_row: float) -> None:
        self.seconds, self.milliseconds_a_row = 1000.0, milliseconds_a_row
        self.took: list[float] = []
        on_each_statement(database, self._pass)

    def perf_counter(self) -> float:
        return self.seconds

    def _pass(self, statement: str, rows: int) -> None:
        if statement.startswith("DELETE"):
            self.took.append(rows * self.milliseconds_a_row / 1000)
            self.seconds += self.took[-1]


@pytest.mark.parametrize("milliseconds_a_row", [0.02, 0.1, 0.5])
async def test_a_transaction_is_as_large_as_fits_into_its_time_also_when_the_disk_gets_slower(
    email: Database, monkeypatch: pytest.MonkeyPatch, milliseconds_a_row: float
) -> None:
    await fill_history(email, 6000, OLD)
    clock, pauses = DiskClock(email, milliseconds_a_row), list[float]()
    monkeypatch.setattr("postroom_maintenance.batches.time", clock)

    async def pause(duration: float) -> None:
        pauses.append(duration)
        if len(pauses) == 20:
            clock.milliseconds_a_row *= 10

    monkeypatch.setattr("postroom_maintenance.batches.asyncio", SimpleNamespace(sleep=pause))
    batches, aim = Batches(email), AIM.total_seconds()
    assert await batches.delete_old(Retention("history", "history", "at"), NOW - timedelta(days=90)) == 6000

    settled = 3  # the first is a guess, and so is what follows when all of it has changed
    assert max(clock.took[settled:20]) <= aim * 1.01
    assert max(clock.took[20 + settled :], default=0.0) <= max(aim, 10 * clock.milliseconds_a_row / 1000) * 1.01
    assert batches.longest.total_seconds() == pytest.approx(max(clock.took))
    assert pauses == pytest.approx([min(took, LONGEST_PAUSE_SECONDS) for took in clock.took])


def deletions(database: Database) -> list[int]:
    """How many rows each DELETE takes from now on."""
    rows: list[int] = []

    def note(statement: str, count: int) -> None:
        if statement.startswith("DELETE"):
            rows.append(count)

    on_each_statement(database, note)
    return rows
