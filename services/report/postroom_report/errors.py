"""What can go wrong with a report.

InvalidMessage
├── UnknownReportType       no folder of that name
├── InvalidParameter        a parameter is unknown, missing or not what the type says
└── InvalidRows             a row's value is not what its column says
PermanentFailure
├── BrokenReportType        the type's report.yaml, query or template is wrong
│   ├── PdfTemplateFailed   Typst does not take the template
│   └── QueryFailed         the database does not take the query, or it broke off at a row
└── LimitExceeded           it took more memory or time than a report may
ProviderUnavailable
└── StorageUnavailable      the object storage does not answer, or refuses us
Postponed
└── DatabaseUnavailable     the query's database does not answer, or went away in the middle
TemporaryFailure
└── StorageFailed           the storage has no room
"""

from datetime import timedelta

from postroom.wire.errors import InvalidMessage, PermanentFailure, Postponed, ProviderUnavailable, TemporaryFailure


class UnknownReportType(InvalidMessage):
    """There is no such report type. The text lists those there are."""


class InvalidParameter(InvalidMessage):
    """A parameter is unknown, missing or not of its type. The text names it."""


class InvalidRows(InvalidMessage):
    """A value does not fit its column. The text names row and column, never the value."""


class BrokenReportType(PermanentFailure):
    """The report type itself is wrong, for every message alike. The text names the file and what to change."""


class PdfTemplateFailed(BrokenReportType):
    """Typst does not take the template. The text names its file and line."""


class QueryFailed(BrokenReportType):
    """The database does not take the query, or it broke off at a row. The text is the database's."""


class LimitExceeded(PermanentFailure):
    """Making the report took more memory or time than one report may."""


class StorageUnavailable(ProviderUnavailable):
    """The object storage does not answer, or refuses us: it says nothing about this report."""


class DatabaseUnavailable(Postponed):
    """The query's database does not answer. Reports of other databases go on, so only those that need it wait."""

    def __init__(self, message: str, *, wait: timedelta = timedelta(seconds=10)) -> None:
        super().__init__(message, wait=wait)


class StorageFailed(TemporaryFailure):
    """The object storage has no room. Nothing of the document is visible."""
