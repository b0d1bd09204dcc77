"""`python -m postroom.operator.cli` is `postroom`."""

from postroom.operator.cli import main

main()
