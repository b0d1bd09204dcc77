"""`python -m postroom_email`: the same as `postroom run email`."""

from postroom.starting import start
from postroom_email.service import service

if __name__ == "__main__":
    start(service)
