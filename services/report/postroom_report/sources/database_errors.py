"""What a database's error means for the message."""

from sqlalchemy.exc import DBAPIError

from postroom.wire.errors import JobError, TemporaryFailure
from postroom_report.errors import DatabaseUnavailable, LimitExceeded, QueryFailed

_LONGEST_TEXT = 300
_AWAY = ("08", "57P")  # connection exception; the server shuts down, was killed, or is starting
_FOR_NOW = ("40", "53", "55", "58")  # deadlock; no memory, disk or connection left; locked; system error
_CANCELLED = "57014"
_OF_A_VALUE = "22"  # data exception: what stands in quotes is the value
_SQLITE_AWAY = ("unable to open", "disk i/o")
_SQLITE_FOR_NOW = ("locked", "busy")
_REFUSED = ("authentication failed", "does not exist", "no pg_hba.conf entry")
"""What PostgreSQL says to a connection that it will never take: no waiting helps, somebody must mend a setting."""


def failure_of(error: DBAPIError, where: str, seconds: float) -> JobError:
    """The error to raise. `where`: file and field of the query; `seconds`: its time limit."""
    reason = _reason(error)
    code = str(getattr(error.orig, "sqlstate", None) or "")
    small = reason.lower()
    if code == _CANCELLED or small == "interrupted":
        return too_slow(where, seconds)
    if _has_no_code(error) and any(words in small for words in _REFUSED):
        return TemporaryFailure(f"{where}: the database refuses to be connected to ({reason}); see REPORT_DATABASES")
    if error.connection_invalidated or code.startswith(_AWAY) or small.startswith(_SQLITE_AWAY) or _has_no_code(error):
        return DatabaseUnavailable(f"{where}: the database does not answer, or went away ({reason})")
    if code.startswith(_FOR_NOW) or any(word in small for word in _SQLITE_FOR_NOW):
        return TemporaryFailure(f"{where}: the database cannot do it at the moment ({reason})")
    return QueryFailed(f"{where}: {reason}")


def too_slow(where: str, seconds: float) -> LimitExceeded:
    """The query took too long."""
    return LimitExceeded(f"{where}: it took more than {seconds:g} s; ask for less, or raise rows.time_limit_seconds")


def _has_no_code(error: DBAPIError) -> bool:
    # psycopg gives none for a server that was never reached, or hung up without a word.
    return type(error.orig).__module__.startswith("psycopg") and type(error.orig).__name__ == "OperationalError"


def _reason(error: DBAPIError) -> str:
    # The first line only: the next ones may have values of rows.
    diagnosis = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    lines = str(diagnosis or error.orig or type(error).__name__).strip().splitlines()
    if str(getattr(error.orig, "sqlstate", None) or "").startswith(_OF_A_VALUE):
        lines = [line.partition('"')[0].rstrip(" :") for line in lines]
    return (lines[0] if lines else type(error.orig).__name__)[:_LONGEST_TEXT]
