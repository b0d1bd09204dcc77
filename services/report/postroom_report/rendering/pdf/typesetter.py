"""Runs Typst in a folder of its own: what it may read, its errors, and its memory."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import typst

from postroom_report.errors import PdfTemplateFailed
from postroom_report.fonts import FontChoice

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent.parent / "typst"
TYPE_FOLDER = "type"
"""Where the files of the report type lie, seen from the root."""

_STANDARDS: tuple[list[str], ...] = (["a-2a", "ua-1"], ["a-2b"], [])
_PLACE = re.compile(r"┌─ (.+?):(\d+):\d+")
_NOWHERE = "http://127.0.0.1:9"
_COMPILES_REMEMBERED = 11


class Typesetter:
    """Makes PDF and PNG from a main file in `root`, outside of which nothing is read.

    Args:
        root: a folder of our own, with our files; `add_type` copies those of a report type.
        made_at: the document's date, so that the same report has the same bytes.
    """

    def __init__(self, root: Path, fonts: FontChoice, made_at: datetime) -> None:
        self._root = root
        self._fonts = fonts
        self._timestamp = int(made_at.timestamp())
        self.main = root / "main.typ"
        for file in SHIPPED.glob("*.typ"):
            shutil.copyfile(file, root / file.name)

    def add_type(self, folder: Path) -> None:
        """Give the template the files beside it, but for links that lead out of `folder`."""

        def leads_out(parent: str, names: list[str]) -> list[str]:
            inside = folder.resolve()
            return [name for name in names if not (Path(parent) / name).resolve().is_relative_to(inside)]

        shutil.copytree(folder, self._root / TYPE_FOLDER, ignore=leads_out)

    def pdf(self, target: Path, *, tagged: bool = True) -> None:
        """Write the PDF: PDF/A-2a and PDF/UA-1 when `tagged`, else PDF/A-2b; less where a template allows no more."""
        choices = _STANDARDS if tagged else _STANDARDS[1:]
        for standards in choices:
            try:
                self._compile(target, pdf_standards=standards, pdf_tags=tagged)
            except typst.TypstError as error:
                if not str(error.message).startswith("PDF/") or not standards:
                    raise self._failure(error) from None
                log.warning("The PDF will not conform to %s: %s", "+".join(standards), _first_line(error.message))
            else:
                return

    def png(self, target: Path, ppi: float) -> None:
        """Write pages as pictures; `target` has `{p}` where the page's number goes."""
        try:
            self._compile(target, format="png", ppi=ppi)
        except typst.TypstError as error:
            raise self._failure(error) from None

    def query(self, label: str) -> Any:
        """The value of the metadata with `label`."""
        try:
            with _offline():
                answer = typst.query(
                    self.main,
                    f"<{label}>",
                    field="value",
                    one=True,
                    root=self._root,
                    font_paths=self._fonts.loaded,
                    ignore_system_fonts=True,
                    **self._no_packages(),
                )
        except typst.TypstError as error:
            raise self._failure(error) from None
        return orjson.loads(answer)

    def forget(self) -> None:
        """Free what Typst remembers of earlier runs: it drops what was not used in the last ten."""
        for _ in range(_COMPILES_REMEMBERED):
            typst.compile(b"", font_paths=self._fonts.loaded, ignore_system_fonts=True)

    def _compile(self, target: Path, **options: Any) -> None:
        with _offline():
            _, warnings = typst.compile_with_warnings(
                self.main,
                output=target,
                root=self._root,
                font_paths=self._fonts.loaded,
                ignore_system_fonts=True,
                timestamp=self._timestamp,
                **self._no_packages(),
                **options,
            )
        for warning in warnings:
            log.warning("Typst: %s", _first_line(warning.message))

    def _no_packages(self) -> dict[str, Any]:
        return {"package_path": self._root / "packages", "package_cache_path": self._root / "packages"}

    def _failure(self, error: typst.TypstError) -> PdfTemplateFailed:
        message = _first_line(error.message)
        if "package" in message:
            message = "packages are not downloaded; copy what the template needs into its folder"
        elif message == "unresolved import" and "main.typ" in (error.diagnostic or ""):
            message = "the template must define `#let render(data) = …`"
        elif "escape the project root" in message:
            message = "it reads a file outside of its folder"
        place = _PLACE.search(error.diagnostic or "")
        if place is None:
            return PdfTemplateFailed(message)
        file = place[1].replace("\\", "/").rpartition(f"{self._root.name}/")[2].removeprefix(f"{TYPE_FOLDER}/")
        return PdfTemplateFailed(f"{file}, line {place[2]}: {message}".replace(str(self._root), ""))


@contextmanager
def _offline() -> Iterator[None]:
    # Typst fetches packages by itself and has no switch against it, but it asks the environment for a proxy.
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: "" if "no" in name.lower() else _NOWHERE for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _first_line(message: object) -> str:
    return str(message).split("\n", 1)[0]
