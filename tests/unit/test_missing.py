"""What is missing is said once, with its remedy, and only a laptop may go on without it."""

from types import SimpleNamespace

import pytest

from scripts.setup_system import PACKAGES as INSTALLED_BY_SETUP
from tests.integration.test_docs_examples import PROGRAMS
from tests.support import missing, not_tried


def test_what_is_missing_skips_on_a_laptop_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Go is not installed: apt-get install golang-go"):
        missing.missing("Go is not installed", "apt-get install golang-go")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Go is not installed: apt-get install golang-go"):
        missing.missing("Go is not installed", "apt-get install golang-go")


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(pytest.skip.Exception, match=r"^pdftotext is not installed: .* apt-get install poppler-utils$"):
        missing.program("pdftotext")


def test_setup_system_installs_every_package_that_a_remedy_names() -> None:
    remedies = [program.remedy.partition("apt-get install ")[2].split() for program in PROGRAMS]
    named = {*missing.PACKAGES.values(), *(package for remedy in remedies for package in remedy)}

    assert {"poppler-utils", "php-amqplib"} <= named
    assert named - INSTALLED_BY_SETUP.keys() == set()


def test_reasons_are_counted_and_aligned_within_a_hundred_columns() -> None:
    long = "Java is not installed: " + " ".join(["default-jdk-headless"] * 4)
    reasons = ["Skipped: rare", *["Skipped: often"] * 11, f"Skipped: {long}"]

    lines = not_tried.lines(SimpleNamespace(longrepr=("test.py", 7, reason)) for reason in reasons)

    assert lines == [
        "  11  often",
        f"   1  {long[:-21]}",
        "      default-jdk-headless",
        "   1  rare",
    ]
    assert max(map(len, lines)) <= 100
