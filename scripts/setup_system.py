"""`make setup-system`: install the servers that the tests need, on Debian and Ubuntu as root.

RabbitMQ, because the tests run against a real one; PostgreSQL, because production does. Their services are neither
started nor enabled: tests run private nodes from the installed programs.
"""

import os
import shutil
import sys

from shared.broker_node import ServerNotStarted, debian
from shared.broker_node.installation import find_installation

PACKAGES = {
    "rabbitmq-server": lambda: find_installation(os.environ) is not None,
    "postgresql": lambda: debian.is_installed("postgresql") or shutil.which("initdb") is not None,
}


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
