"""What a test cannot do without: where it is missing, a laptop skips the test and CI fails it.

Tests that a machine or a broker rules out for good, whatever is installed, skip with `pytest.skip` and say so.
"""

import os
import shutil
from typing import NoReturn

import pytest

PACKAGES = {
    "chromium": "chromium",
    "fc-list": "fontconfig",
    "openssl": "openssl",
    "pdfimages": "poppler-utils",
    "pdftotext": "poppler-utils",
    "soffice": "libreoffice-calc-nogui",
}
"""What brings the programs that tests start, on Debian and Ubuntu."""


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test that runs, or fail it in CI (CI=true). Both are one line of plain English.

    Args:
        what: is not here: `Go is not installed`.
        remedy: what would make it; `setup_system` where that is a matter of packages.
    """
    reason = f"{what}: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def setup_system(*packages: str) -> str:
    """The remedy where Debian's packages are one."""
    return f"`make setup-system`, or apt-get install {' '.join(packages)}"


def program(name: str) -> str:
    """The path of a program of this machine, one of PACKAGES."""
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed", setup_system(PACKAGES[name]))
    return path
