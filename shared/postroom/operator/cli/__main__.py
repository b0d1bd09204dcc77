"""`python -m postroom.operator.cli` is `postroom`."""

from postroom.operator import main

main()
