"""Rows from real databases: read only, streamed, within a time limit, with clear errors."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from postroom.wire.errors import InvalidMessage, JobError, TemporaryFailure
from postroom_report.errors import BrokenReportType, DatabaseUnavailable, InvalidParameter, LimitExceeded, QueryFailed
from postroom_report.layout import Row
from postroom_report.parameters import make_layout
from postroom_report.sources import open_rows
from tests.support.patience import WORK, seconds
from tests.support.report_service import LIST, make_order, write_type

PEOPLE = [(1, "Ada", "2026-11-22 23:30:00.000000"), (2, "Bob", "2026-11-23 12:00:00.000000")]


def sqlite_shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE people (id INTEGER, name TEXT, at DATETIME)")
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", PEOPLE)
    connection.close()
    return f"sqlite+aiosqlite:///{path}"


def postgres_shop(url: str) -> str:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (id INTEGER, name TEXT, at TIMESTAMPTZ)"))
        for person in PEOPLE:
            values = dict(zip(("id", "name", "at"), person, strict=True)) | {"at": person[2] + "+00"}
            connection.execute(text("INSERT INTO people VALUES (:id, :name, CAST(:at AS timestamptz))"), values)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with people, as other services write it."""
    if request.param == "sqlite":
        return sqlite_shop(tmp_path)
    return postgres_shop(request.getfixturevalue("postgres_url"))


class Reader:
    """Reads the rows of a query."""

    def __init__(self, url: str, tmp_path: Path) -> None:
        self.url, self._folder = url, tmp_path

    def open(self, query: str, seconds: float = 30, given: dict[str, Any] | None = None, **definition: Any) -> Any:
        """The rows, as in a child process."""
        source = {"database": "shop", "query": query, "time_limit_seconds": seconds}
        write_type(self._folder / "types", "q", **{**LIST, "rows": source, "columns": None, **definition})
        order = make_order(
            self._folder / "types", self._folder / "w", "q", job={"parameters": given or {}}, database_url=self.url
        )
        return open_rows(make_layout(order), order)

    def rows(self, query: str, *arguments: Any, **definition: Any) -> list[Row]:
        """All rows."""
        with self.open(query, *arguments, **definition) as rows:
            return [dict(row) for row in rows]

    def each(self, query: str, look: Callable[[Row], object]) -> None:
        """Let `look` see each row."""
        with self.open(query) as rows:
            for row in rows:
                look(row)


@pytest.fixture
def reader(shop: str, tmp_path: Path) -> Reader:
    return Reader(shop, tmp_path)


@pytest.fixture
def postgres(postgres_url: str, tmp_path: Path) -> Reader:
    return Reader(postgres_shop(postgres_url), tmp_path)


def test_values_are_bound_and_never_pasted_in(reader: Reader) -> None:
    query, parameters = "SELECT id, name FROM people WHERE name = :name", {"name": {"required": True}}

    assert reader.rows(query, 30, {"name": "Ada"}, parameters=parameters) == [{"id": 1, "name": "Ada"}]
    assert reader.rows(query, 30, {"name": "x' OR '1'='1"}, parameters=parameters) == []


def test_a_day_is_that_of_the_reports_zone(reader: Reader) -> None:
    query = "SELECT name FROM people WHERE at >= :day_start AND at < :day_end ORDER BY id"
    parameters = {"day": {"type": "date", "default": "yesterday"}}

    assert [row["name"] for row in reader.rows(query, parameters=parameters)] == ["Bob"]
    berlin = reader.rows(query, parameters=parameters, time_zone="Europe/Berlin")
    assert [row["name"] for row in berlin] == ["Ada", "Bob"]


@pytest.mark.parametrize("given", [{}, {"key": "00000000-0000-0000-0000-000000000001"}])
def test_a_text_takes_the_type_of_what_it_is_compared_with(postgres: Reader, given: dict[str, str]) -> None:
    query = (
        "SELECT id FROM (SELECT id, CAST('00000000-0000-0000-0000-00000000000' || id AS uuid) AS key FROM people) AS p "
        "WHERE CAST(:key AS uuid) IS NULL OR key = :key ORDER BY id"
    )
    found = postgres.rows(query, 30, given, parameters={"key": {"type": "text"}})

    assert [row["id"] for row in found] == ([1] if given else [1, 2])


def test_a_day_that_was_left_out_has_no_bounds(reader: Reader) -> None:
    query = "SELECT id FROM people WHERE CAST(:day_start AS text) IS NULL AND CAST(:day_end AS text) IS NULL"

    assert len(reader.rows(query, parameters={"day": {"type": "date"}})) == 2


def test_a_day_at_the_end_of_time_is_refused(reader: Reader) -> None:
    with pytest.raises(InvalidParameter, match=r"parameters\.day: "):
        reader.rows("SELECT :day_end AS n", 30, {"day": "9999-12-31"}, parameters={"day": {"type": "date"}})


def test_a_number_that_sqlite_cannot_hold_is_refused(tmp_path: Path) -> None:
    reader = Reader(sqlite_shop(tmp_path), tmp_path)
    with pytest.raises(InvalidParameter, match=r"parameters\.id: it is too large"):
        reader.rows("SELECT :id AS n", 30, {"id": 10**20}, parameters={"id": {"type": "integer"}})


def test_an_error_does_not_tell_a_rows_value(postgres: Reader) -> None:
    with pytest.raises(QueryFailed, match="invalid input syntax for type integer") as caught:
        postgres.rows("SELECT CAST(name AS integer) AS n FROM people")

    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        *("DELETE FROM people", "DELETE FROM people RETURNING id", "DROP TABLE people", "SELECT 1; DELETE FROM people"),
        *("UPDATE people SET name = 'x'", "INSERT INTO people (id) VALUES (9)", "CREATE TABLE x (y INTEGER)"),
        *("WITH gone AS (DELETE FROM people RETURNING id) SELECT id FROM gone", "COMMIT", "VACUUM"),
        "ATTACH DATABASE '/tmp/other.sqlite3' AS other",
        "SELECT set_config('transaction_read_only', 'off', false)",
    ],
)
def test_a_query_that_would_write_fails(reader: Reader, query: str) -> None:
    with pytest.raises(QueryFailed, match=r"q/report\.yaml, rows\.query"):
        reader.rows(query)

    assert len(reader.rows("SELECT id FROM people")) == 2


def test_a_name_that_is_no_parameter_is_named(reader: Reader) -> None:
    with pytest.raises(BrokenReportType, match=r":nobody is not a parameter"):
        reader.rows("SELECT id FROM people WHERE id = :nobody")


def test_a_query_takes_no_longer_than_its_limit(reader: Reader) -> None:
    count = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT count(*) AS n FROM s"
    with pytest.raises(LimitExceeded, match=r"more than 0\.5 s"):  # it never ends by itself
        reader.rows(count, 0.5)


def test_reading_takes_no_longer_than_the_limit_either(postgres: Reader) -> None:
    slow = "SELECT n, pg_sleep(0.0002) AS name FROM generate_series(1, 1000000) AS n"
    with pytest.raises(LimitExceeded, match="more than 1 s"):
        postgres.rows(slow, 1)


def test_rows_come_while_the_query_still_runs(postgres: Reader) -> None:
    endless = (
        "WITH RECURSIVE s(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM s) SELECT n, 'x' AS name FROM s"
    )
    with postgres.open(endless, seconds(WORK)) as rows:
        first = next(iter(rows))

    assert first["n"] == 1  # who waits for the last one waits for ever


def test_a_query_that_fails_late_says_after_which_row(postgres: Reader) -> None:
    query = "SELECT 1 / (500000 - n) AS n, 'secret' AS name FROM generate_series(1, 1000000) AS n"
    seen: list[int] = []
    with pytest.raises(QueryFailed, match=r"after row 49\d,\d{3}: division by zero"):
        postgres.each(query, lambda row: seen.append(row["n"]))

    assert 490_000 < len(seen) < 500_000


def test_a_database_that_is_cut_in_the_middle_is_tried_again(postgres: Reader) -> None:
    url = make_url(postgres.url).set(drivername="postgresql+psycopg")
    other = create_engine(url, isolation_level="AUTOCOMMIT")

    def cut() -> None:
        with other.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    query = "SELECT n, repeat('x', 500) AS name FROM generate_series(1, 10000000) AS n"
    with pytest.raises(DatabaseUnavailable, match="went away"):
        postgres.each(query, lambda row: cut() if row["n"] == 5000 else None)
    other.dispose()


@pytest.mark.parametrize("url", ["postgresql://u:canary@127.0.0.1:1/d", "sqlite:////nowhere/shop.sqlite3"])
def test_a_database_that_is_not_there_is_waited_for(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        Reader(url, tmp_path).rows("SELECT 1 AS n")

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"password": "canary"}, {"database": "nowhere"}])
def test_a_login_that_will_never_work_is_not_waited_for_without_end(
    wrong: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    url = make_url(postgres_url).set(drivername="postgresql", **wrong).render_as_string(hide_password=False)
    with pytest.raises(TemporaryFailure, match="refuses to be connected to") as caught:
        Reader(url, tmp_path).rows("SELECT 1 AS n")

    assert "canary" not in str(caught.value)


def test_a_url_without_a_host_tells_no_password(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        Reader("postgresql://u:canary/db", tmp_path).rows("SELECT 1 AS n")

    assert "canary" not in str(caught.value)


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenReportType, match="driver of oracle"):
        Reader("oracle://u:p@h/d", tmp_path).rows("SELECT 1 AS n")


def test_rows_of_the_message_go_before_the_query(tmp_path: Path) -> None:
    write_type(tmp_path, "q", **LIST, rows={"database": "shop", "query": "SELECT 1 AS n"})
    order = make_order(tmp_path, tmp_path / "w", "q", job={"rows": [{"n": 7}]}, database_url="sqlite:////nowhere")
    with open_rows(make_layout(order), order) as rows:
        assert list(rows) == [{"n": 7}]


def test_a_type_without_a_query_needs_rows(tmp_path: Path) -> None:
    write_type(tmp_path, "list", **LIST)
    order = make_order(tmp_path, tmp_path / "w")
    with pytest.raises(InvalidMessage, match="rows: "), open_rows(make_layout(order), order):
        pass


def test_an_authors_colon_and_percent_sign_stay_what_they_are(reader: Reader) -> None:
    rows = reader.rows(r"SELECT 7 % 4 AS n, '12\:30 100%' AS name FROM people WHERE name LIKE 'A%'")

    assert rows == [{"n": 3, "name": "12:30 100%"}]
