"""`python -m postroom_scheduler`: the same as `postroom run scheduler`."""

from postroom.starting import start
from postroom_scheduler.service import service

if __name__ == "__main__":
    start(service)
