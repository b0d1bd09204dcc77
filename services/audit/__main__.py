"""`python -m services.audit` runs the service; with arguments it answers the command line: see commands.py."""

import sys

if __name__ == "__main__":
    if sys.argv[1:]:
        from services.audit import commands

        commands.main(sys.argv[1:])
    else:
        from services.audit.app import main

        main()
