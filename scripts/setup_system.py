"""`make setup-system`: install the servers that the tests need, on Debian and Ubuntu as root.

RabbitMQ, because the tests run against a real one; PostgreSQL, because production does. Their services are neither
started nor enabled: tests run private nodes from the installed programs. Fonts for reports in any script, the programs
by which tests read PDF and XLSX independently, and a browser that uses RabbitMQ's management UI as an operator does.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from shared.broker_node import ServerNotStarted, debian
from shared.broker_node.installation import find_installation

PACKAGES: dict[str, Callable[[], bool]] = {
    "rabbitmq-server": lambda: find_installation(os.environ) is not None,
    "postgresql": lambda: debian.is_installed("postgresql") or shutil.which("initdb") is not None,
    "fonts-noto-core": lambda: _has_font("NotoSansArabic"),
    "fonts-noto-cjk": lambda: _has_font("NotoSansCJK"),
    "fonts-noto-color-emoji": lambda: _has_font("NotoColorEmoji"),
    "poppler-utils": lambda: shutil.which("pdftotext") is not None,
    "chromium": lambda: shutil.which("chromium") is not None,
    "libreoffice-calc-nogui": lambda: shutil.which("soffice") is not None,
}


def _has_font(start_of_name: str) -> bool:
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
    return any(True for folder in folders for _ in folder.rglob(f"{start_of_name}*"))


def main() -> None:
    """Install what is missing, or say why that cannot be done here."""
    missing = [package for package, is_there in PACKAGES.items() if not is_there()]
    if not missing:
        return
    if not debian.can_install():
        sys.exit(
            f"{', '.join(missing)} missing: install that yourself; here it is done on Debian and Ubuntu as root only"
        )
    try:
        debian.install(missing, lambda line: print(line, flush=True))
    except ServerNotStarted as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
