"""How a table stands on its pages: what repeats, what stays together, what fits."""

import sys
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest

from postroom_report.rendering.pdf import parts
from postroom_report.rendering.pdf.content import GroupHeading, Heading, Item, TableRow, TableTotals
from postroom_report.rendering.pdf.page_layout import MARGIN
from tests.support.processes import run
from tests.support.report_pdf import Sheet, Word, grouped, make_report, pages_of, pdf_of, records, sheets_of

HEADING = ["Number", "Customer", "Amount", "Day"]


def test_each_page_has_the_heading_and_its_number(tmp_path: Path) -> None:
    pages = pages_of(pdf_of(make_report(tmp_path, records(200)), tmp_path))
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert page[4 if number == 1 else 0].split() == HEADING
        assert page[-1].endswith(f"Page {number} of {len(pages)}")


def test_only_the_first_page_has_letterhead_and_title(tmp_path: Path) -> None:
    first, *others = pages_of(pdf_of(make_report(tmp_path, records(100)), tmp_path))
    assert first[:4] == ["Example Ltd.", "1 High Street", "London", "Orders"]
    assert all("Example Ltd." not in page for page in others)


def test_a_report_without_rows_says_so(tmp_path: Path) -> None:
    [page] = pages_of(pdf_of(make_report(tmp_path, [TableTotals("Total", ("", "", "0.00", ""))]), tmp_path))
    assert "There are no rows." in page


def test_no_page_is_empty_however_many_rows_there_are(tmp_path: Path) -> None:
    for count in range(44, 64):  # the first page ends somewhere between
        pages = pages_of(pdf_of(make_report(tmp_path, records(count)), tmp_path))
        rows = [sum("customer-" in line for line in page) for page in pages]
        assert sum(rows) == count
        assert all(rows)
    assert len(pages) == 2


def test_a_group_heading_is_never_last_on_a_page_and_totals_are_never_first(tmp_path: Path) -> None:
    pages = pages_of(pdf_of(make_report(tmp_path, grouped([1, 2, 3, 5, 7, 4] * 15)), tmp_path))
    assert len(pages) > 6
    for page in pages:
        *rows, _ = page
        assert "customer-" in rows[-1] or rows[-1].startswith("Total")
        body = rows[[line.split() for line in rows].index(HEADING) + 1 :]
        assert body[0].startswith("Group-")  # a group that goes on has its heading again
        assert "customer-" in body[1]


def test_totals_of_several_levels_stay_with_the_last_row(tmp_path: Path) -> None:
    ends = [TableTotals(label, ("", "", "1.00", "")) for label in ("Total-shop", "Total-region", "Total-all")]
    for count in range(40, 56):
        items: list[Item] = [GroupHeading(1, "Region"), GroupHeading(2, "Shop"), *records(count), *ends]
        last = pages_of(pdf_of(make_report(tmp_path, items), tmp_path))[-1]
        assert "customer-" in last[-5]
        assert [line.split()[0] for line in last[-4:-1]] == ["Total-shop", "Total-region", "Total-all"]


def test_a_table_made_in_parts_has_the_same_pages_as_one_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_texts = [TableRow((str(n), "long text " * 400, "1.00", "2026-11-24")) for n in range(3)]
    items: list[Item] = [*grouped([9, 1, 30, 2, 60, 4, 4, 70]), *long_texts, *records(80)]
    whole = pages_of(pdf_of(make_report(tmp_path, items), tmp_path))
    monkeypatch.setattr(parts, "ROWS", 70)
    in_parts = pdf_of(make_report(tmp_path, items), tmp_path)
    assert pages_of(in_parts) == whole
    assert len(whole) > 5


def test_the_same_report_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice() -> None:
        one, two = (pdf_of(make_report(tmp_path, records(150)), tmp_path, name) for name in ("1.pdf", "2.pdf"))
        assert one.read_bytes() == two.read_bytes()

    twice()
    monkeypatch.setattr(parts, "ROWS", 60)
    twice()


def test_it_is_an_accessible_archive_document_with_its_metadata(tmp_path: Path) -> None:
    with pikepdf.open(pdf_of(make_report(tmp_path, records(100)), tmp_path)) as pdf:
        with pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "2A"
            assert metadata["pdfuaid:part"] == "1"
        assert str(pdf.docinfo["/Title"]) == "Orders"
        assert str(pdf.docinfo["/Author"]) == "Example Ltd."
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:20261124020000")
        assert bool(pdf.Root.MarkInfo.Marked)
        assert str(pdf.Root.Lang) == "en"


def test_a_table_in_parts_is_an_archive_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROWS", 60)
    with pikepdf.open(pdf_of(make_report(tmp_path, records(200)), tmp_path)) as pdf, pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "2B"
        assert pdf.Root.OutputIntents


def test_thirty_columns_fit(tmp_path: Path) -> None:
    headings = [Heading(f"c{n}", f"Measurement number {n}", numeric=n % 2 == 1) for n in range(30)]
    cells = tuple(f"{n * 123456.5:,.2f}" if n % 2 else f"some words {n}" for n in range(30))
    [sheet] = sheets_of(pdf_of(make_report(tmp_path, [TableRow(cells)] * 20, headings), tmp_path))
    assert sheet.width > sheet.height
    check_fits(sheet)


def test_long_texts_and_long_words_fit(tmp_path: Path) -> None:
    headings = [Heading("id", "Id", numeric=True), *(Heading(f"t{n}", "Averylongheadingword " * 3) for n in range(4))]
    texts = ("A sentence of some words. " * 60, "x" * 3000, "https://example.com/" + "a1b2/" * 90, "汉字" * 400)
    items: list[Item] = [
        GroupHeading(1, "G" * 400),
        TableRow(("1", *texts)),
        TableTotals("T" * 300, ("",) * 5),
        TableRow(("2", *texts)),
    ]
    for sheet in sheets_of(pdf_of(make_report(tmp_path, items, headings, title="W" * 200), tmp_path)):
        check_fits(sheet)


def test_numbers_end_at_the_right_and_texts_begin_at_the_left(tmp_path: Path) -> None:
    sheet = sheets_of(pdf_of(make_report(tmp_path, records(30)), tmp_path))[0]
    by_ends = {round(word.right) for word in sheet.words if word.text.endswith(".50")}
    by_starts = {round(word.left) for word in sheet.words if word.text.startswith("customer-")}
    assert len(by_ends) == len(by_starts) == 1


def test_an_arabic_report_runs_from_right_to_left(tmp_path: Path) -> None:
    items = [TableRow((str(n), "customer-x", "7.50", "2026-11-24")) for n in range(3)]
    sheet = sheets_of(pdf_of(make_report(tmp_path, items, locale="ar", title="تقرير"), tmp_path))[0]
    lefts = {heading: next(word.left for word in sheet.words if word.text == heading) for heading in HEADING}
    assert sorted(HEADING, key=lambda heading: -lefts[heading]) == HEADING
    with pikepdf.open(tmp_path / "report.pdf") as pdf:
        assert str(pdf.Root.ViewerPreferences.get("/Direction", "/R2L")) == "/R2L"
        assert str(pdf.Root.Lang) == "ar"


_MEASURED = """
import sys
from pathlib import Path
from postroom_report.rendering.pdf import parts
from tests.support.memory import peak_mib
from tests.support.report_pdf import make_report, pdf_of, records

parts.ROWS, folder, count = 200, Path(sys.argv[1]), int(sys.argv[2])
pdf_of(make_report(folder, records(count)), folder)
print(peak_mib())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: run the tests on Linux")
async def test_many_pages_need_no_more_memory_than_some(tmp_path: Path) -> None:
    async def peak(count: int) -> tuple[int, int]:
        made = await run(sys.executable, "-c", _MEASURED, tmp_path, str(count), apart=True)
        assert made.code == 0, made.errors
        with pikepdf.open(tmp_path / "report.pdf") as pdf:
            return len(pdf.pages), int(made.output)

    (some, small), (many, large) = await peak(600), await peak(2400)

    assert many > some * 3
    assert large < small * 1.2  # laid out at once, they need half as much again


def check_fits(sheet: Sheet) -> None:
    """Nothing leaves the page's margins, and no word runs into another one."""
    for word in sheet.words:
        assert word.left >= MARGIN - 1, word
        assert word.right <= sheet.width - MARGIN + 1, word
        assert 0 < word.top < word.bottom < sheet.height - 10, word
    lines: dict[int, list[Word]] = {}
    for word in sheet.words:
        lines.setdefault(round(word.top), []).append(word)
    for line in lines.values():
        line.sort(key=lambda word: word.left)
        for before, after in pairwise(line):
            assert before.right <= after.left + 0.5, (before, after)
