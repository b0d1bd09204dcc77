"""`python -m postroom_alerting`: the same as `postroom run alerting`."""

from postroom.starting import start
from postroom_alerting.service import service

if __name__ == "__main__":
    start(service)
