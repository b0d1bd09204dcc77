"""A report type as its author writes it: the `report.yaml` of a folder, checked.

What is made of it for one report, with its parameters filled in, is in layout.py.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ParameterType = Literal["text", "integer", "number", "decimal", "date", "datetime", "boolean"]
ColumnFormat = Literal["text", "integer", "number", "money", "percent", "date", "datetime", "time", "boolean"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
TypeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]

INLINE = "inline"
"""As `database`: the rows come with the message."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Part):
    """A value the message may or must give, and that the query and the title use by name.

    Attributes:
        type: what it must be; anything else is refused, naming the parameter.
        default: used when the message gives none; without a default it must. A date may be `today`, `yesterday`,
            `month-start` (of this month) or `last-month-start`, as seen in the report's time zone at the moment the
            job was meant for, so that a late or repeated job reports on the same day.
        choices: the only values allowed.
        description: for people.
    """

    type: ParameterType = "text"
    default: Any = None
    required: bool = False
    choices: list[Any] | None = None
    description: str = ""


class Rows(_Part):
    """Where the rows come from.

    Attributes:
        database: a name from REPORT_DATABASES, or `inline`: the message's `rows`.
        query: one SQL statement that only reads; parameters as `:name`, bound, never pasted in. Beside the type's
            parameters, each date parameter `day` brings `:day_start` and `:day_end`: the moments at which that day
            begins and ends in the report's time zone. Or one statement for each kind of database: `postgresql`,
            `sqlite`, `mysql`, … as SQLAlchemy calls them.
        time_limit_seconds: for the query, from its start to the last row.
    """

    database: str = INLINE
    query: str | dict[str, str] = ""
    time_limit_seconds: float = Field(default=600, gt=0, le=3600)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.database == INLINE) == bool(self.query):
            raise ValueError("a database needs a query; inline rows have none")
        return self

    def query_for(self, dialect: str) -> str | None:
        """The statement for that kind of database; None if there is none."""
        return self.query if isinstance(self.query, str) else self.query.get(dialect)


class Column(_Part):
    """One column.

    Attributes:
        name: of the value in each row.
        title: the column's heading; made from the name when absent.
        format: how it is shown; also its type in XLSX and JSON. A `time` is a moment of which the time of day is shown.
        decimals: digits after the point; by default those of the currency for money, 1 for percent (0.125 is shown as
            12.5 %), all there are for a number, of which people are shown six.
        currency: ISO 4217 code of a money column, or `currency_from`: the column that holds each row's.
        total: what is under the column at the end, and under each group.
        width: relative to the other columns; chosen by format when absent.
    """

    name: str = Field(min_length=1, max_length=200)
    title: str | None = None
    format: ColumnFormat = "text"
    decimals: int | None = Field(default=None, ge=0, le=10)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    currency_from: str | None = None
    total: Literal["sum", "count", "average", "min", "max"] | None = None
    width: float | None = Field(default=None, gt=0, le=20)


class Chart(_Part):
    """A chart of the rows: for each value of column `x` the sum of each column in `y`, in order of appearance."""

    kind: Literal["bar", "line"] = "bar"
    title: str = ""
    x: str
    y: list[str] = Field(min_length=1, max_length=6)


class Definition(_Part):
    """A report type.

    Attributes:
        title: may name parameters: `Users of {day}`.
        columns: in order; absent means whatever the first row has, as text, numbers or dates by its values.
        group_by: columns by whose values consecutive rows are grouped, with a heading and totals for each group.
        each: a column; one document is made for each value of it, from consecutive rows. It names the document.
        calculation: a calculation of ours that is applied to the rows: `invoice` (invoices.py).
        template: a Typst file in the folder that lays out the PDF, instead of the one for tables.
        file_name: a label for people, with parameters; the object's key is ours.
        locale, time_zone: how values are shown; parameters of the message named `locale` and `time_zone` go before.
        retention_days: how long the object is kept.
    """

    title: str = Field(min_length=1, max_length=200)
    description: str = ""
    parameters: dict[Name, Parameter] = {}
    rows: Rows = Rows()
    columns: list[Column] | None = None
    group_by: list[str] = []
    charts: list[Chart] = []
    each: str | None = None
    calculation: Literal["invoice"] | None = None
    template: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+\.typ$")
    file_name: str = ""
    paper: Literal["a4", "us-letter"] = "a4"
    orientation: Literal["auto", "portrait", "landscape"] = "auto"
    locale: str = "en"
    time_zone: str = "UTC"
    retention_days: int = Field(default=90, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [column.name for column in self.columns or ()]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"there are two columns named {twice[0]}")
        return self
