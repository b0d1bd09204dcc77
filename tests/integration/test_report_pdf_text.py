"""The text of a PDF, read by a program that is not ours, is the data."""

import logging
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pikepdf
import pytest
import typst

from postroom_report import fonts
from postroom_report.charts import Picture
from postroom_report.rendering.pdf.content import Heading, TableRow
from tests.support.missing import program
from tests.support.report_pdf import make_report, needs_fonts, pages_of, pdf_of, records, text_of

LATIN = [
    "Grüße aus Köln",
    "Łódź, Žižkov, Đà Nẵng",
    "Ελληνικά και кириллица",
    "price: 12 € / £ 9",
    'a "quoted" it’s – text…',  # noqa: RUF001
]
SCRIPTS = [
    ("Noto Sans Arabic", "مرحبا بالعالم"),
    ("Noto Sans Hebrew", "שלום עולם"),
    ("Noto Sans Devanagari", "नमस्ते दुनिया"),
    ("Noto Sans Thai", "สวัสดีชาวโลก"),
    ("Noto Sans CJK SC", "汉字测试"),
    ("Noto Sans CJK SC", "日本語テスト"),
    ("Noto Sans CJK SC", "한국어 시험"),
    ("Noto Sans", "e\u0301 o\u0308 n\u0303"),
]
MARKUP = [
    "#panic()",
    "*bold* _emphasis_",
    "$ x^2 $",
    "@reference",
    "<label>",
    "= Heading",
    "- item",
    "+ item",
    "/ term: text",
    "`raw`",
    "\\n \\u{41} \\",
    "// comment",
    "/* comment */",
    "#import \"@preview/x:1.0.0\"",
    "http://example.com/#x",
    "a ~ b -- c --- d ...",
    "#{1+1}",
    "[content]",
]  # fmt: skip
TWO = (Heading("id", "Id", numeric=True), Heading("text", "Text", weight=5))


def shown(folder: Path, texts: list[str], title: str = "Texts") -> list[str]:
    """What stands in the text column, row by row."""
    items = [TableRow((str(number), text)) for number, text in enumerate(texts)]
    [page] = pages_of(pdf_of(make_report(folder, items, TWO, title=title), folder))
    return [line.split(maxsplit=1)[1] for line in page[-1 - len(texts) : -1]]  # the last line is the page's number


def test_every_value_of_a_table_over_many_pages_is_read_back_in_its_row(tmp_path: Path) -> None:
    pages = pages_of(pdf_of(make_report(tmp_path, records(300)), tmp_path))
    rows = [tuple(line.split()) for page in pages for line in page if line[0].isdigit() and "customer-" in line]
    assert rows == [item.cells for item in records(300) if isinstance(item, TableRow)]


def test_latin_greek_and_cyrillic_are_read_back(tmp_path: Path) -> None:
    assert shown(tmp_path, LATIN) == LATIN


@pytest.mark.parametrize(("family", "text"), SCRIPTS)
def test_any_script_is_read_back(tmp_path: Path, family: str, text: str) -> None:
    needs_fonts(family)
    assert shown(tmp_path, [text]) == [text]


def test_emoji_are_read_back(tmp_path: Path) -> None:
    needs_fonts("Noto Color Emoji")
    emoji = "😀 👩‍👩‍👧 🇩🇪 ❤️"
    read = text_of(pdf_of(make_report(tmp_path, [TableRow(("7", emoji))], TWO), tmp_path), "-raw")
    assert "".join(emoji.split()) in "".join(read.split())


def test_what_is_markup_elsewhere_is_text_here(tmp_path: Path) -> None:
    assert shown(tmp_path, MARKUP, title=MARKUP[1]) == MARKUP


def test_a_long_word_is_broken_and_loses_nothing(tmp_path: Path) -> None:
    word = "".join(f"{number:04}" for number in range(300))
    text = text_of(pdf_of(make_report(tmp_path, [TableRow(("7", word))], TWO), tmp_path), "-layout")
    assert word in "".join(text.split())


def test_lines_of_a_value_stay_lines(tmp_path: Path) -> None:
    [page] = pages_of(pdf_of(make_report(tmp_path, [TableRow(("7", "first\r\nsecond\u2028third"))], TWO), tmp_path))
    assert [line.split() for line in page[-4:-1]] == [["7", "first"], ["second"], ["third"]]


def test_a_character_that_no_font_has_is_replaced_visibly_and_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert shown(tmp_path, ["a\u0378b\ue000c", "x\x00y\ud800z"]) == ["a\ufffdb\ufffdc", "x\ufffdy\ufffdz"]
    assert "U+0378" in caplog.text
    assert "U+E000" in caplog.text
    assert "REPORT_FONTS_DIR" in caplog.text


def test_without_fonts_of_the_system_latin_is_shown_and_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bare = typst.Fonts(include_system_fonts=False)
    monkeypatch.setattr(fonts, "_load", lambda _folder: (bare, frozenset(bare.families())))
    assert shown(tmp_path, [*LATIN[:3], "汉字"]) == [*LATIN[:3], "\ufffd\ufffd"]
    assert "CJK UNIFIED IDEOGRAPH" in caplog.text


def test_a_folder_of_fonts_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_fonts("Noto Sans Thai")
    listed = subprocess.run(
        [program("fc-list"), "Noto Sans Thai:style=Regular", "file"], capture_output=True, text=True, check=True
    )
    folder = tmp_path / "fonts"
    folder.mkdir()
    shutil.copy(listed.stdout.splitlines()[0].strip().rstrip(":"), folder)
    bare = partial(typst.Fonts, include_system_fonts=False)
    monkeypatch.setattr("typst.Fonts", bare)
    choice = fonts.choose_fonts(folder, "th")
    assert fonts.not_shown("สวด", choice) == set()
    assert fonts.not_shown("สวด", fonts.FontChoice(bare(), choice.families)) == set("สวด")


def test_fonts_are_embedded(tmp_path: Path) -> None:
    pdf = pdf_of(make_report(tmp_path, records(3)), tmp_path)
    with pikepdf.open(pdf) as opened:
        fonts = [font for page in opened.pages for font in page.resources.Font.values()]
        assert fonts
        for font in fonts:
            descriptor = font.DescendantFonts[0].FontDescriptor
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor


def test_a_chart_is_drawn_and_not_a_picture_of_dots(tmp_path: Path) -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40"><rect width="60" height="20" fill="#1f3a5f"/>'
        '<text x="5" y="35" font-size="8" font-family="Noto Sans">axis</text></svg>'
    )
    pdf = pdf_of(make_report(tmp_path, records(3), charts=[Picture(svg, "Orders by day")]), tmp_path)
    images = subprocess.run([program("pdfimages"), "-list", str(pdf)], capture_output=True, text=True, check=True)
    assert len(images.stdout.splitlines()) == 2  # its two lines of headings
    assert "axis" in text_of(pdf)
