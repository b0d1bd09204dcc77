"""Rows of a query: read in a transaction that cannot write, as they come from the server, within a time limit."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, MappingResult, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, ResourceClosedError, StatementError

from postroom_report.errors import BrokenReportType, DatabaseUnavailable, QueryFailed
from postroom_report.layout import Layout, Row
from postroom_report.render_request import RenderRequest
from postroom_report.sources.binding import bound_query
from postroom_report.sources.database_errors import failure_of, too_slow

ROWS_AT_ONCE = 1000
CONNECT_SECONDS = 10
_READ_ONLY = {"mysql": "SET SESSION TRANSACTION READ ONLY", "mariadb": "SET SESSION TRANSACTION READ ONLY"}
_SQLITE_MAY = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,
}
_SQLITE_STEPS = 10_000  # between two looks at the clock


@contextmanager
def query_rows(layout: Layout, request: RenderRequest) -> Iterator[Iterable[Row]]:
    """The rows of the type's query. Raises like open_rows, also while they are read."""
    source = layout.definition.rows
    where, seconds = f"{layout.type}/report.yaml, rows.query", source.time_limit_seconds
    url = _url(request.database_url or "", source.database)
    try:
        engine = _engine(url, request.database_schema, seconds)
        with engine.connect() as connection:
            result = _result(connection, layout, where)
            try:
                yield _explained(result, where, seconds)
            finally:
                with suppress(DBAPIError):  # of a connection that is lost
                    result.close()
                    connection.rollback()
    except DBAPIError as error:
        raise failure_of(error, where, seconds) from None


def _url(given: str, name: str) -> URL:
    """The URL with a synchronous driver, whatever other services use for the same database."""
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # whose text has what stands where the port should
        raise BrokenReportType(
            f"REPORT_DATABASES: the URL of {name} is none; use driver://user:password@host/database"
        ) from None
    if url.get_backend_name() in ("postgresql", "postgres"):
        query = {("sslmode" if key == "ssl" else key): value for key, value in url.query.items()}
        return url.set(drivername="postgresql+psycopg", query=query)
    return url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url


def _engine(url: URL, schema: str | None, seconds: float) -> Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return create_engine("sqlite://", creator=lambda: _open_sqlite(url.database or "", seconds), poolclass=NullPool)
    arguments: dict[str, Any] = {}
    if backend == "postgresql":
        options = {"default_transaction_read_only": "on", "statement_timeout": f"{seconds * 1000:.0f}"}
        options |= {"search_path": schema} if schema else {}
        given = url.query.get("options", "")
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "options": " ".join([str(given), *(f"-c {name}={value}" for name, value in options.items())]).strip(),
        }
    try:
        return create_engine(url, connect_args=arguments, poolclass=NullPool)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise BrokenReportType(
            f"REPORT_DATABASES: the driver of {url.drivername} is not installed where the report service runs"
        ) from None


def _open_sqlite(path: str, seconds: float) -> sqlite3.Connection:
    if not Path(path).is_file():
        raise DatabaseUnavailable(
            f"there is no database {Path(path).name}; was the service that writes it ever started?"
        )
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=CONNECT_SECONDS)
    connection.execute("PRAGMA query_only = ON")
    ends_at = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > ends_at, _SQLITE_STEPS)
    # Without it a query could attach other files of the machine.
    connection.set_authorizer(_authorise)
    return connection


def _authorise(action: int, first: str | None, *_: str | None) -> int:
    is_asked_by_sqlalchemy = action == sqlite3.SQLITE_PRAGMA and first == "read_uncommitted"
    return sqlite3.SQLITE_OK if action in _SQLITE_MAY or is_asked_by_sqlalchemy else sqlite3.SQLITE_DENY


def _result(connection: Connection, layout: Layout, where: str) -> MappingResult:
    backend = connection.dialect.name
    statement, values = bound_query(layout, backend)
    if backend in _READ_ONLY:
        connection.exec_driver_sql(_READ_ONLY[backend])
        connection.commit()
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    options |= {"postgresql_readonly": True} if backend == "postgresql" else {}
    try:
        result = connection.execution_options(**options).execute(statement, values)
        names = list(result.keys())
        if len(set(names)) < len(names):
            raise QueryFailed(f"{where}: two columns have the same name; name them with AS")
        return result.mappings()
    except ResourceClosedError:
        raise QueryFailed(f"{where}: it returns no rows; write a SELECT") from None
    except DBAPIError:
        raise
    except StatementError as error:
        raise QueryFailed(f"{where}: {error.orig or error}") from None


def _explained(rows: Iterable[Any], where: str, seconds: float) -> Iterator[Row]:
    # The server's own limit is for each portion of rows; this one is for all of them.
    ends_at, number = time.monotonic() + seconds, 0
    try:
        for row in rows:
            number += 1
            if number % ROWS_AT_ONCE == 0 and time.monotonic() > ends_at:
                raise too_slow(where, seconds)
            yield row
    except DBAPIError as error:
        raise failure_of(error, f"{where}, after row {number:,}", seconds) from None
