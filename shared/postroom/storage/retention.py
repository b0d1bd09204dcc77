"""When rows of a service's tables may be deleted: declared by the service, carried out by maintenance.

A service declares a sequence of these (`retention` in its service.py). No other service decides what may go.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """Rows of one table that may be deleted when they are old.

    Attributes:
        target: the name by which `maintenance.clean` asks for it; several tables may share one.
        table: the table.
        age: its column with the time from which a row's age is counted. It has an index.
        condition: what else must hold, in SQL.
        objects: SQL for the keys of the objects, in the storage of reports, that belong to the rows whose keys
            are in `:keys`. They are deleted before the rows.
        key: the column that `:keys` are of; needed with `objects` and `children`.
        children: tables whose rows, by the same column, go with them.
    """

    target: str
    table: str
    age: str
    condition: str = ""
    objects: str = ""
    key: str = ""
    children: tuple[str, ...] = ()


HISTORY = "history"

OF_THE_RUNTIME = (
    Retention(HISTORY, "history", "at"),
    Retention("inbox", "inbox", "finished_at", "state = 'done'"),
)
"""Tables that every service has."""
