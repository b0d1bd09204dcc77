"""`python -m postroom_audit`: the same as `postroom run audit`."""

from postroom.starting import start
from postroom_audit.service import service

if __name__ == "__main__":
    start(service)
