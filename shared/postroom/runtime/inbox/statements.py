"""The inbox's SQL. Each statement takes all its keys as one JSON parameter.

One statement a batch instead of one a row: with SQLite every row would be a turn of the interpreter's lock, and a
busy event loop gives that away only now and then.
"""

from dataclasses import dataclass

from sqlalchemy import DateTime, TextClause, bindparam, text

_SQLITE_KEYS = (
    "SELECT json_extract(value, '$[0]') AS queue, json_extract(value, '$[1]') AS identity FROM json_each(:keys)"
)
_POSTGRESQL_KEYS = (
    "SELECT pair->>0 AS queue, pair->>1 AS identity FROM jsonb_array_elements(CAST(:keys AS jsonb)) AS pair"
)


@dataclass(frozen=True, slots=True)
class Statements:
    """What the inbox asks its database. Parameters: `keys` (JSON list of [queue, identity]), `holder`, `now`."""

    claim: TextClause
    look_up: TextClause
    begin: TextClause
    rest: TextClause
    done: TextClause
    forget: TextClause
    take_over: TextClause
    prune: TextClause


def inbox_statements(is_sqlite: bool) -> Statements:
    """The statements in the database's dialect."""
    keys = _SQLITE_KEYS if is_sqlite else _POSTGRESQL_KEYS
    these = f"(queue, identity) IN (SELECT queue, identity FROM ({keys}) AS wanted)"  # noqa: S608 - our own text
    now = bindparam("now", type_=DateTime(timezone=True))
    return Statements(
        claim=text(
            "INSERT INTO inbox (queue, identity, state, holder, starts) "  # noqa: S608
            f"SELECT queue, identity, 'started', :holder, 1 FROM ({keys}) AS wanted WHERE true ON CONFLICT DO NOTHING"
        ),
        look_up=text(f"SELECT queue, identity, state, holder, starts FROM inbox WHERE {these}"),  # noqa: S608
        begin=text(f"UPDATE inbox SET starts = starts + 1 WHERE holder = :holder AND {these}"),  # noqa: S608
        rest=text(f"UPDATE inbox SET starts = starts - 1 WHERE holder = :holder AND {these}"),  # noqa: S608
        done=text(
            f"UPDATE inbox SET state = 'done', finished_at = :now WHERE holder = :holder AND {these}"  # noqa: S608
        ).bindparams(now),
        forget=text(f"DELETE FROM inbox WHERE holder = :holder AND state = 'started' AND {these}"),  # noqa: S608
        # The condition on the old holder decides when two processes find it dead at once.
        take_over=text(
            "UPDATE inbox SET holder = :holder, starts = :starts "
            "WHERE queue = :queue AND identity = :identity AND holder = :dead AND state = 'started'"
        ),
        prune=text(
            "DELETE FROM inbox WHERE (queue, identity) IN "
            "(SELECT queue, identity FROM inbox WHERE finished_at < :now LIMIT 1000)"
        ).bindparams(now),
    )
