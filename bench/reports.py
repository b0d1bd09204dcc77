"""Reports beside other libraries: PDF of 1, 10 and 100 pages, and tables of a million rows.

`python -m bench.reports` runs these alone.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

ROWS = 1_000_000
ROWS_OF_A_PAGE = 47
LIMIT_SECONDS = 1800
OURS = "postroom"


@dataclass(frozen=True)
class Case:
    """One content, made by each of the makers."""

    title: str
    format: str
    rows: int
    makers: tuple[str, ...]


def cases(rows: int = ROWS) -> Iterator[Case]:
    """What is compared."""
    for pages in (1, 10, 100):
        title = f"PDF of some {pages} page{'s' if pages > 1 else ''}"
        yield Case(title, "pdf", pages * ROWS_OF_A_PAGE, (OURS, "weasyprint", "reportlab"))
    yield Case("XLSX, 10 columns", "xlsx", rows, (OURS, "openpyxl", "pandas"))
    yield Case("CSV, 10 columns", "csv", rows, (OURS, "pandas"))


def measure(case: Case, maker: str) -> dict[str, Any]:
    """What one maker takes for it, in a process of its own; `missing` says what keeps it from it."""
    command = (sys.executable, "-m", "bench.makers", maker, case.format, str(case.rows))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"missing": f"not done within {LIMIT_SECONDS} s"}
    if done.returncode:
        return {"missing": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(console: Console, rows: int = ROWS) -> None:
    """Measure and print, case by case."""
    for case in cases(rows):
        found = {maker: measure(case, maker) for maker in case.makers}
        console.print(_table(case, found))
        for maker, figures in found.items():
            if "missing" in figures:
                console.print(f"{maker} is missing: {figures['missing']}", markup=False)


def _table(case: Case, found: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=f"{case.title}, {case.rows:,} rows, one process each", title_justify="left")
    for column in ("Made by", "Seconds", "Rows/s", "to ours", "Peak MiB", "to ours", "MB", "Pages"):
        table.add_column(column, justify="left" if column == "Made by" else "right")
    ours = found[OURS]
    for maker, figures in found.items():
        if "missing" in figures:
            continue
        table.add_row(
            maker,
            f"{figures['seconds']:.2f}",
            f"{case.rows / figures['seconds']:,.0f}",
            _ratio(figures, ours, "seconds"),
            f"{figures['peak']:,.0f}",
            _ratio(figures, ours, "peak"),
            f"{figures['bytes'] / 1e6:.2f}",
            str(figures["pages"] or ""),
        )
    return table


def _ratio(figures: dict[str, Any], ours: dict[str, Any], what: str) -> str:
    return f"{figures[what] / ours[what]:.2f}" if what in ours else ""


def main() -> None:
    """Run and print the comparisons of reports."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of XLSX and CSV (%(default)s)")
    show(Console(), parser.parse_args().rows)


if __name__ == "__main__":
    main()
