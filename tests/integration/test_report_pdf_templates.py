"""Templates of others: what they get, what they cannot reach, and how their mistakes are reported."""

import logging
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest

from postroom_report.errors import PdfTemplateFailed
from postroom_report.rendering.pdf.content import GroupHeading, Heading, TableRow, TableTotals
from postroom_report.rendering.pdf.document import make_pictures
from tests.support.report_pdf import make_report, pages_of, pdf_of, records

TWO = (Heading("id", "Id", numeric=True), Heading("text", "Text"))
ROW = TableRow(("1,234", "#panic() *x*"), {"id": 1234, "hidden": [{"exact": Decimal("0.10")}]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "type"
    folder.mkdir()
    return folder


def lines_from(folder: Path, template: str) -> list[str]:
    (folder / "own.typ").write_text(template, encoding="utf-8")
    made = make_report(folder, [GroupHeading(1, "North"), ROW, TableTotals("Sum", ("9", ""))], TWO, template="own.typ")
    return [line for page in pages_of(pdf_of(made, folder.parent)) for line in page]


def test_a_template_gets_the_report_as_data(folder: Path) -> None:
    template = """#let render(data) = {
      [#data.title by #data.letterhead.name on #data.made_at, #data.columns.first().title] + parbreak()
      for item in data.items {
        if item.kind == "group" { [group #item.words] + parbreak() }
        if item.kind == "record" {
          let exact = item.values.hidden.first().exact
          [row #item.cells.id #(item.values.id + 1) #exact #item.cells.text] + parbreak()
        }
        if item.kind == "totals" { [totals #item.label #item.cells.id] + parbreak() }
      }
    }"""
    assert lines_from(folder, template) == [
        "Orders by Example Ltd. on 24 November 2026, Id",
        "group North",
        "row 1,234 1235 0.10 #panic() *x*",
        "totals Sum 9",
    ]


def test_a_template_may_use_the_files_beside_it_and_ours(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "words.typ").write_text('#let greeting = "hello"')
    template = '#import "parts/words.typ": greeting\n#import "/frame.typ": page-number\n'
    template += "#let render(data) = { greeting; [ ]; page-number(data.labels) }"
    assert lines_from(folder, template) == ["hello Page 1 of 1"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("#let render(data) = {\n\n  data.nothing\n}", r"own\.typ, line 3: .*nothing"),
        ("#let render(data = [", r"own\.typ, line 1: "),
        ("#let other(data) = []", r"main\.typ, line 1: the template must define .*render"),
        ('#let render(data) = read("../../secret.txt")', r"own\.typ, line 1: it reads a file outside of its folder"),
        ('#let render(data) = read("/etc/hostname")', r"own\.typ, line 1: file not found"),
        ('#import "@preview/cetz:0.3.1"\n#let render(data) = []', r"own\.typ, line 1: packages are not downloaded"),
        ('#let render(data) = [#panic("no rows")]', r"own\.typ, line 1: .*no rows"),
    ],
)
def test_a_mistake_is_told_with_file_and_line_and_without_our_paths(folder: Path, template: str, reason: str) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    with pytest.raises(PdfTemplateFailed, match=f"^{reason}") as failed:
        lines_from(folder, template)
    assert str(folder.parent) not in str(failed.value)


def test_a_link_out_of_the_folder_leads_nowhere(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    with pytest.raises(PdfTemplateFailed, match="file not found"):
        lines_from(folder, '#let render(data) = read("link.txt")')


def test_a_template_that_is_not_accessible_still_makes_an_archive_document(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    with caplog.at_level(logging.WARNING):  # a picture without words for those who cannot see it
        lines_from(folder, '#let render(data) = image("picture.svg")')
    assert "ua-1" in caplog.text
    with pikepdf.open(folder.parent / "report.pdf") as pdf, pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "2B"


def test_nothing_is_left_beside_the_document(folder: Path) -> None:
    with pytest.raises(PdfTemplateFailed):
        lines_from(folder, "#let render(data) = data.nothing")
    assert [path.name for path in folder.parent.iterdir()] == ["type"]


def test_a_preview_has_a_picture_for_each_page(tmp_path: Path) -> None:
    pictures = make_pictures(make_report(tmp_path, records(100)), tmp_path)
    assert [path.name for path in pictures] == ["page-1.png", "page-2.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
