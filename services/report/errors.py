"""What can go wrong with a report.

InvalidMessage
├── UnknownReportType       no folder of that name
├── InvalidParameter        a parameter is unknown, missing or not what the type says
└── InvalidRows             a row's value is not what its column says
PermanentFailure
├── BrokenReportType        the type's report.yaml, query or template is wrong
│   └── TemplateFailed      Typst does not take the template
└── LimitExceeded           it took more memory or time than a report may
"""

from shared.errors import InvalidMessage, PermanentFailure


class UnknownReportType(InvalidMessage):
    """There is no such report type. The text lists those there are."""


class InvalidParameter(InvalidMessage):
    """A parameter is unknown, missing or not of its type. The text names it."""


class InvalidRows(InvalidMessage):
    """A value does not fit its column. The text names row and column, never the value."""


class BrokenReportType(PermanentFailure):
    """The report type itself is wrong, for every message alike. The text names the file and what to change."""


class TemplateFailed(BrokenReportType):
    """Typst does not take the template. The text names its file and line."""


class LimitExceeded(PermanentFailure):
    """Making the report took more memory or time than one report may."""
