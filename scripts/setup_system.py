"""`make setup-system`: install what the tests need besides Python, on Debian and Ubuntu as root.

RabbitMQ, because the tests run against a real one; PostgreSQL, because production does. Their services are neither
started nor enabled: tests run private nodes from the installed programs. Fonts for reports in any script, the programs
by which tests read PDF and XLSX independently, a browser that uses RabbitMQ's management UI as an operator does, and
the languages and client libraries of the programs in examples/.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from postroom.devkit.broker_node import ServerNotStarted, debian
from postroom.devkit.broker_node.installation import find_installation

EXAMPLES = Path(__file__).parents[1] / "examples"
JARS = Path("/usr/share/java")

PACKAGES: dict[str, Callable[[], bool]] = {
    "rabbitmq-server": lambda: find_installation(os.environ) is not None,
    "postgresql": lambda: debian.is_installed("postgresql") or _has("initdb"),
    "openssl": lambda: _has("openssl"),
    "fontconfig": lambda: _has("fc-list"),
    "fonts-noto-core": lambda: _has_font("NotoSansArabic"),
    "fonts-noto-cjk": lambda: _has_font("NotoSansCJK"),
    "fonts-noto-color-emoji": lambda: _has_font("NotoColorEmoji"),
    "poppler-utils": lambda: _has("pdftotext"),
    "chromium": lambda: _has("chromium"),
    "libreoffice-calc-nogui": lambda: _has("soffice"),
    "curl": lambda: _has("curl"),
    "nodejs": lambda: _has("node"),
    "npm": lambda: _has("npm"),
    "golang-go": lambda: _has("go"),
    "golang-github-rabbitmq-amqp091-go-dev": Path("/usr/share/gocode/src/github.com/rabbitmq/amqp091-go").is_dir,
    "default-jdk-headless": lambda: _has("javac"),  # `java` runs a source file only where the compiler is
    "librabbitmq-client-java": (JARS / "amqp-client.jar").exists,
    "libslf4j-java": (JARS / "slf4j-nop.jar").exists,
    "php-cli": lambda: _has("php"),
    "php-amqplib": Path("/usr/share/php/PhpAmqpLib/autoload.php").exists,
}

AMQPLIB = "amqplib@2.3.1"
"""The client library for Node, which Debian does not have."""


def _has(program: str) -> bool:
    return shutil.which(program) is not None


def _has_font(start_of_name: str) -> bool:
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
    return any(True for folder in folders for _ in folder.rglob(f"{start_of_name}*"))


def main() -> None:
    """Install what is missing, or say why that cannot be done here."""
    missing = [package for package, is_there in PACKAGES.items() if not is_there()]
    if missing and not debian.can_install():
        sys.exit(
            f"{', '.join(missing)} missing: install that yourself; here it is done on Debian and Ubuntu as root only"
        )
    if missing:
        try:
            debian.install(missing, _say)
        except ServerNotStarted as error:
            sys.exit(str(error))
    if not (EXAMPLES / "node_modules" / "amqplib").is_dir():
        _install_for_node()


def _install_for_node() -> None:
    _say(f"installing {AMQPLIB} with npm into {EXAMPLES.name}/node_modules")
    quietly = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    done = subprocess.run(
        ["npm", "install", *quietly, "--prefix", EXAMPLES, AMQPLIB],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last_words = "\n  ".join(done.stdout.strip().splitlines()[-8:])
        sys.exit(f"npm install failed; its last words:\n  {last_words}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
