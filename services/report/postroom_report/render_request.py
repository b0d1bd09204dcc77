"""What a child process is to make: the JSON that it reads from its standard input."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from postroom.wire.messages.report import GenerateReport


class RenderRequest(BaseModel):
    """One report to be made.

    Attributes:
        job: as it came.
        moment: what `today` means: the moment the job was meant for.
        type_folders: where report types lie, the shipped ones last.
        database_url: of the query's database, with its password; None for inline rows.
        database_schema: the PostgreSQL schema in which the query's tables are; None for the database's own default.
        folder: for the documents; it is the child's alone, and removed by the parent.
        done_parts: parts of a batch that were made before.
        letterhead_name, letterhead_lines, letterhead_logo: see layout.Letterhead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    job: GenerateReport
    moment: datetime
    type_folders: list[Path]
    folder: Path
    database_url: str | None = None
    database_schema: str | None = None
    done_parts: frozenset[str] = frozenset()
    letterhead_name: str = ""
    letterhead_lines: list[str] = []
    letterhead_logo: Path | None = None
    fonts_folder: Path | None = None
    csv_byte_order_mark: bool = True
