"""`python -m shared.cli` is `postroom`."""

from shared.cli import main

main()
