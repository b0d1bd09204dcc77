"""Where a report's rows come from: the message, or a query."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from postroom.wire.errors import InvalidMessage
from postroom_report.definition import INLINE
from postroom_report.layout import Layout, Row
from postroom_report.render_request import RenderRequest


@contextmanager
def open_rows(layout: Layout, request: RenderRequest) -> Iterator[Iterable[Row]]:
    """The rows, one at a time. Rows that come with the message go before the type's query.

    Raises InvalidMessage, QueryFailed, BrokenReportType, DatabaseUnavailable, LimitExceeded, TemporaryFailure, also
    while the rows are read.
    """
    source = layout.definition.rows
    if request.job.rows is not None:
        yield request.job.rows
    elif source.database == INLINE:
        raise InvalidMessage("rows: this report type takes its rows from the message; give a list of objects")
    else:
        # Only now: the libraries for databases cost memory that other reports do not need.
        from postroom_report.sources.sql import query_rows  # noqa: PLC0415

        with query_rows(layout, request) as rows:
            yield rows
