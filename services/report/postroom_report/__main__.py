"""`python -m postroom_report`: the same as `postroom run report`."""

from postroom.starting import start
from postroom_report.service import service

if __name__ == "__main__":
    start(service)
