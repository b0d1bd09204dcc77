"""`python -m postroom_maintenance`: the same as `postroom run maintenance`."""

from postroom.starting import start
from postroom_maintenance.service import service

if __name__ == "__main__":
    start(service)
