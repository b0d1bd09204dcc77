"""CSV as other programs read it, and what large reports need of memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.report_sheets import made

MOST_MIB = 90
"""Of the whole process, for a report of any length; Python with what it imports is some 50 of them."""

_MAKE = """
import re, sys
from datetime import date, timedelta
from pathlib import Path
from services.report.production import produce
from tests.support.report_layouts import layout_for

kind, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
formats = ["integer", "text", "text", "money", "number", "percent", "date", "datetime", "boolean", "integer"]
columns = [{"name": f"c{n}", "format": form} for n, form in enumerate(formats)]
columns[3] |= {"currency": "EUR", "total": "sum"}
charts = [{"x": "c1", "y": ["c3"]}]
layout = layout_for(folder, {"columns": columns, "charts": charts}, format=kind)
first = date(2026, 1, 1)
rows = (
    {"c0": n, "c1": f"name {n}", "c2": "some text", "c3": f"{n}.25", "c4": n / 7, "c5": 0.125,
     "c6": first + timedelta(days=n % 999), "c7": "2026-03-29T01:30:00Z", "c8": n % 2 == 0, "c9": n * n}
    for n in range(count)
)
(document,) = produce(layout, rows, folder, lambda _: None)
# Not getrusage, which counts what the process was before it became this program.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(document.rows, int(peak[1]) // 1024)
"""


def make_large(kind: str, folder: Path, count: int) -> tuple[int, int]:
    """Make a report in a process of its own: the rows in it, and the most memory it had in MiB."""
    command = [sys.executable, "-c", _MAKE, kind, str(folder), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    rows, memory = map(int, done.stdout.split())
    return rows, memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("kind", "count"), [("csv", 100_000), ("html", 30_000), ("xlsx", 100_000)])
def test_a_large_report_needs_no_more_memory_than_a_small_one(kind: str, count: int, tmp_path: Path):
    rows, memory = make_large(kind, tmp_path, count)
    assert rows == count
    assert memory < MOST_MIB


def test_pandas_reads_csv_as_it_was(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    columns = [
        {"name": "name"}, {"name": "n", "format": "integer"}, {"name": "x", "format": "number"},
        {"name": "at", "format": "datetime"},
    ]  # fmt: skip
    rows = [
        {"name": 'Zoë "北京", 🎉\r\nand more', "n": 2**53 + 1, "x": 0.1, "at": "2026-03-29T01:30:00Z"},
        {"name": "-", "n": -5, "x": None, "at": "2026-01-01T00:00:00Z"},
    ]
    path = made(tmp_path, "csv", rows, {"columns": columns, "time_zone": "Europe/Berlin"})
    frame = pandas.read_csv(path)
    assert list(frame.columns) == ["Name", "N", "X", "At"]
    assert list(frame["Name"]) == [rows[0]["name"], "'-"]
    assert list(frame["N"]) == [2**53 + 1, -5]
    assert frame["X"][0] == 0.1
    assert frame["X"].isna()[1]
    assert list(frame["At"]) == ["2026-03-29T03:30:00+02:00", "2026-01-01T01:00:00+01:00"]
