"""A back-up counts when it was restored with the same rows; a broken one never does."""

import gzip
import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.storage.object_storage import ObjectStorage, StoredObject
from postroom.wire.errors import PermanentFailure
from postroom_maintenance.archiving import Archiver
from postroom_maintenance.back_ups import FOLDER, BackUps, kept_of, made_at
from postroom_maintenance.batches import Batches
from postroom_maintenance.databases import ServiceDatabases
from postroom_maintenance.errors import BackUpFailed
from postroom_maintenance.settings import MaintenanceSettings
from tests.support.maintenance import OLD, YOUNG, count, fill_history, fill_inbox, opened, runtime_settings


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> RuntimeSettings:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return runtime_settings(tmp_path / "data", url)


@pytest.fixture
async def email(settings: RuntimeSettings) -> AsyncIterator[Database]:
    database = await opened(settings, "email")
    await fill_history(database, 3000, OLD)
    await fill_history(database, 7, YOUNG)
    await fill_inbox(database, 10, YOUNG)
    yield database
    await database.close()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def storage(kept: Path) -> ObjectStorage:
    return ObjectStorage(kept.as_uri(), "MAINTENANCE_STORAGE_URL")


@pytest.fixture
def back_ups(settings: RuntimeSettings, storage: ObjectStorage) -> BackUps:
    return BackUps(ServiceDatabases(settings), storage, MaintenanceSettings())


def manifests(kept: Path) -> list[Path]:
    return list(kept.rglob("*.json"))


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


class Corrupting(ObjectStorage):
    """A storage whose disk turns a bit."""

    async def fetch(self, key: str, target: Path) -> StoredObject:
        fetched = await super().fetch(key, target)
        damage(target)
        return StoredObject(fetched.bytes, "another")


async def test_a_back_up_is_restored_with_identical_row_counts(back_ups: BackUps, email: Database, kept: Path) -> None:
    (manifest,) = await back_ups.back_up("email")

    assert {name: manifest["rows"][name] for name in ("history", "inbox", "workers")} == {
        "history": 3007,
        "inbox": 10,
        "workers": 0,
    }
    on_disk = json.loads((kept / f"{manifest['object']}.json").read_text())
    assert (on_disk["sha256"], on_disk["rows"]) == (manifest["sha256"], manifest["rows"])
    assert (kept / manifest["object"]).stat().st_size == manifest["bytes"] > 1000


async def test_every_service_that_has_a_database_is_backed_up(
    back_ups: BackUps, email: Database, settings: RuntimeSettings
) -> None:
    await (await opened(settings, "audit")).close()
    assert [manifest["service"] for manifest in await back_ups.back_up()] == ["audit", "email"]


async def test_a_verifying_database_is_not_left_behind(
    back_ups: BackUps, email: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []  # others on this server make and drop theirs meanwhile

    def token(length: int) -> str:
        made.append(secrets.token_bytes(length).hex())
        return made[-1]

    monkeypatch.setattr("postroom_maintenance.dumping.secrets.token_hex", token)
    await back_ups.back_up()
    if not email.is_sqlite:
        assert made
        names = text("SELECT datname FROM pg_database")
        there = await email.run(lambda connection: list(connection.scalars(names)))
        assert [name for name in there if name.startswith("postroom_verify_") and name.endswith(tuple(made))] == []


async def test_a_back_up_that_comes_back_broken_does_not_count(
    settings: RuntimeSettings, email: Database, kept: Path
) -> None:
    broken = BackUps(ServiceDatabases(settings), Corrupting(kept.as_uri()), MaintenanceSettings())
    with pytest.raises(BackUpFailed, match="came back from the storage as something else"):
        await broken.back_up("email")
    assert manifests(kept) == []


async def test_a_dump_with_too_few_rows_does_not_count(
    back_ups: BackUps, email: Database, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from postroom_maintenance import dumping

    for name in ("SqliteDump", "PostgresDump"):
        whole = getattr(dumping, name).restore_and_count

        async def fewer(self: object, dump: Path, whole: object = whole) -> dict[str, int]:
            return {**await whole(self, dump), "history": 3006}  # type: ignore[operator]

        monkeypatch.setattr(getattr(dumping, name), "restore_and_count", fewer)
    with pytest.raises(BackUpFailed, match="history has 3006 rows instead of 3007"):
        await back_ups.back_up("email")
    assert manifests(kept) == []


async def test_a_service_without_a_database_is_named(back_ups: BackUps, email: Database) -> None:
    with pytest.raises(PermanentFailure, match=r"no service 'moon' has a database here; there are: email"):
        await back_ups.back_up("moon")


def test_seven_days_four_weeks_and_twelve_months_are_kept() -> None:
    newest = datetime(2026, 11, 24, 3, tzinfo=UTC)
    nightly = {f"{day}": newest - timedelta(days=day) for day in range(500)}
    days = sorted(nightly[key] for key in kept_of(nightly, 7, 4, 12))

    assert [moment.day for moment in days[-7:]] == [18, 19, 20, 21, 22, 23, 24]
    assert newest - timedelta(days=9) in days  # Sunday of the week before
    assert {(moment.year, moment.month) for moment in days} == {(2025, 12), *((2026, month) for month in range(1, 12))}
    assert len(days) <= 7 + 4 + 12


async def test_old_back_ups_and_what_failed_tries_left_are_rotated_away(
    settings: RuntimeSettings, storage: ObjectStorage, email: Database, kept: Path
) -> None:
    folder = kept / FOLDER / "email"
    folder.mkdir(parents=True)
    for name in ("2026-01-01T030000Z.dump", "2026-01-02T030000Z.dump"):
        (folder / name).write_bytes(b"x")
        (folder / f"{name}.json").write_bytes(b"{}")
    (folder / "2026-01-03T030000Z.dump").write_bytes(b"no manifest")

    few = MaintenanceSettings(keep_daily=1, keep_weekly=0, keep_monthly=2)
    (manifest,) = await BackUps(ServiceDatabases(settings), storage, few).back_up("email")

    left = {path.name for path in folder.iterdir()}
    new = Path(manifest["object"]).name
    assert left == {new, f"{new}.json", "2026-01-02T030000Z.dump", "2026-01-02T030000Z.dump.json"}
    assert made_at("a/2026-01-02T030000Z.dump") == datetime(2026, 1, 2, 3, tzinfo=UTC)


async def test_history_is_archived_before_it_is_deleted(
    settings: RuntimeSettings, storage: ObjectStorage, email: Database, kept: Path
) -> None:
    assert await Archiver(ServiceDatabases(settings), storage).archive(90) == 3000

    assert await count(email, "history") == 7
    (file,) = (kept / "archive" / "email").iterdir()
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [line["message_id"] for line in lines] == [f"m-{number}" for number in range(3000)]


async def test_nothing_is_deleted_that_came_back_broken(settings: RuntimeSettings, email: Database, kept: Path) -> None:
    class Losing(ObjectStorage):
        async def fetch(self, key: str, target: Path) -> StoredObject:
            fetched = await super().fetch(key, target)
            cut_off(target)
            return fetched

    with pytest.raises(BackUpFailed, match="nothing was deleted"):
        await Archiver(ServiceDatabases(settings), Losing(kept.as_uri())).archive(90)
    assert await count(email, "history") == 3007


async def test_an_archive_that_dies_before_it_deletes_is_written_again_under_the_same_name(
    settings: RuntimeSettings, storage: ObjectStorage, email: Database, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_arguments: object) -> int:
        raise RuntimeError("killed")

    archivist = Archiver(ServiceDatabases(settings), storage)
    with monkeypatch.context() as patched:
        patched.setattr(Batches, "delete_keys", die)
        with pytest.raises(RuntimeError, match="killed"):
            await archivist.archive(90)
    assert await count(email, "history") == 3007

    assert await archivist.archive(90) == 3000
    assert len(list((kept / "archive" / "email").iterdir())) == 1
