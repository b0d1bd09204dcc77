"""The statements that a database gets: what costs can be counted in, on a machine that is as busy as it likes."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from postroom.storage.database import Database


def on_each_statement(database: Database, note: Callable[[str, int], None]) -> None:
    """Have `note` called with each statement of `Database.run` from now on, and how many rows it touched."""

    def after(*executed: Any) -> None:
        _connection, cursor, statement, *_ = executed
        note(statement, cursor.rowcount)

    engine = database._sync_engine or database.engine.sync_engine  # SQLite has one of its own for `run`
    event.listen(engine, "after_cursor_execute", after)
