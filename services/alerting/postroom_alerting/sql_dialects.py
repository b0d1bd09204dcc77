"""Where SQLite and PostgreSQL differ."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Any) -> Any:
    """An INSERT that can be given ON CONFLICT."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def utc(moment: datetime) -> datetime:
    """A time as it was written: SQLite drops the time zone, and every time is written in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
