"""`python -m services.audit` runs the service; with arguments it answers the command line: see commands.py."""

import sys

from postroom.runtime.starting import start

if __name__ == "__main__":
    if sys.argv[1:]:
        from services.audit import commands

        commands.main(sys.argv[1:])
    else:
        start("services.audit.app")
