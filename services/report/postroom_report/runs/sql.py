"""The runs in the service's own database."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from postroom.storage.database import Database
from postroom_report.layout import RenderProgress
from postroom_report.models import CancellationRow, DocumentRow, RunRow
from postroom_report.runs import Result, RunStart, RunStatus, StoredDocument

RUNS: Table = RunRow.__table__  # type: ignore[attr-defined]
DOCUMENTS: Table = DocumentRow.__table__  # type: ignore[attr-defined]
CANCELLATIONS: Table = CancellationRow.__table__  # type: ignore[attr-defined]
log = logging.getLogger(__name__)

_LONGEST_ERROR = 1000
FAILED_KEPT = timedelta(days=90)
"""What a batch has stored before it failed; trying again needs it."""


class SqlRuns:
    """See Runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.is_sqlite else postgresql.insert

    async def begin(self, beginning: RunStart) -> RunStatus:
        """See Runs."""
        return await self._database.run(lambda connection: self._begin(connection, beginning))

    async def note(self, job_id: str, progress: RenderProgress) -> bool:
        """See Runs."""
        change = {"rows": progress.rows, "pages": progress.pages, "documents": progress.documents}

        def write(connection: Connection) -> bool:
            connection.execute(update(RUNS).where(RUNS.c.job_id == job_id, RUNS.c.state == "running").values(change))
            return _is_cancelled(connection, job_id)

        try:
            return await self._database.run(write)
        except (SQLAlchemyError, OSError) as error:
            log.warning("Progress could not be written: %s", type(error).__name__)
            return False

    async def store(self, job_id: str, document: StoredDocument) -> None:
        """See Runs."""
        row = {
            "job_id": job_id,
            "part": document.part,
            "object_key": document.key,
            "rows": document.rows,
            "pages": document.pages,
            "bytes": document.bytes,
            "sha256": document.sha256,
        }
        statement = self._insert(DOCUMENTS).values(row)
        statement = statement.on_conflict_do_update(index_elements=["job_id", "part"], set_=row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def finish(self, job_id: str, result: Result, expires_at: datetime) -> None:
        """See Runs."""
        await self._change(
            job_id,
            state="done",
            rows=result.rows,
            pages=result.pages,
            documents=result.documents,
            object_key=result.key,
            url=result.url,
            bytes=result.bytes,
            sha256=result.sha256,
            error=None,
            finished_at=datetime.now(UTC),
            expires_at=expires_at,
        )

    async def fail(self, job_id: str, error: str) -> None:
        """See Runs."""
        text = error.replace("\0", "")[:_LONGEST_ERROR]
        now = datetime.now(UTC)
        await self._change(job_id, state="failed", error=text, finished_at=now, expires_at=now + FAILED_KEPT)

    async def drop(self, job_id: str) -> None:
        """See Runs."""
        await self._database.run(
            lambda connection: connection.execute(delete(DOCUMENTS).where(DOCUMENTS.c.job_id == job_id))
        )
        await self._change(job_id, state="cancelled", error=None, finished_at=datetime.now(UTC))

    async def cancel(self, job_id: str) -> None:
        """See Runs."""

        def write(connection: Connection) -> None:
            state = connection.execute(select(RUNS.c.state).where(RUNS.c.job_id == job_id)).scalar()
            if state != "done":
                row = {"job_id": job_id, "at": datetime.now(UTC)}
                connection.execute(self._insert(CANCELLATIONS).values(row).on_conflict_do_nothing())

        await self._database.run(write)

    async def _change(self, job_id: str, **values: Any) -> None:
        statement = update(RUNS).where(RUNS.c.job_id == job_id).values(values)
        await self._database.run(lambda connection: connection.execute(statement))

    def _begin(self, connection: Connection, beginning: RunStart) -> RunStatus:
        job_id = beginning.job_id
        found = connection.execute(select(RUNS).where(RUNS.c.job_id == job_id)).one_or_none()
        if found is not None and found.fingerprint != beginning.fingerprint:
            connection.execute(delete(RUNS).where(RUNS.c.job_id == job_id))
            connection.execute(delete(DOCUMENTS).where(DOCUMENTS.c.job_id == job_id))
            found = None
        if found is None:
            # Another worker that has it too may be a moment ahead.
            connection.execute(self._insert(RUNS).values(_new_run(beginning)).on_conflict_do_nothing())
            found = connection.execute(select(RUNS).where(RUNS.c.job_id == job_id)).one()
        documents = _documents(connection, job_id)
        is_cancelled = found.state != "done" and _is_cancelled(connection, job_id)  # else its event is published
        if found.state != "done" and not is_cancelled:
            again = {"state": "running", "started_at": datetime.now(UTC), "finished_at": None, "error": None}
            connection.execute(update(RUNS).where(RUNS.c.job_id == job_id).values(again))
        return RunStatus(
            _aware(found.moment), is_cancelled, documents, _result(found) if found.state == "done" else None
        )


def _documents(connection: Connection, job_id: str) -> dict[str, StoredDocument]:
    found = connection.execute(select(DOCUMENTS).where(DOCUMENTS.c.job_id == job_id))
    return {row.part: _stored(row) for row in found}


def _is_cancelled(connection: Connection, job_id: str) -> bool:
    found = connection.execute(select(CANCELLATIONS.c.job_id).where(CANCELLATIONS.c.job_id == job_id))
    return found.scalar() is not None


def _new_run(beginning: RunStart) -> dict[str, Any]:
    return {
        "job_id": beginning.job_id,
        "type": beginning.type,
        "format": beginning.format,
        "initiated_by": beginning.initiated_by.replace("\0", ""),
        "fingerprint": beginning.fingerprint,
        "moment": beginning.moment,
        "state": "running",
        "rows": 0,
        "pages": 0,
        "documents": 0,
        "started_at": datetime.now(UTC),
    }


def _stored(row: Any) -> StoredDocument:
    return StoredDocument(row.part, row.object_key, row.rows, row.pages, row.bytes, row.sha256)


def _result(row: Any) -> Result:
    return Result(row.object_key, row.url, row.rows, row.pages, row.documents, row.bytes, row.sha256)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps no zone
