"""`python -m postroom_sms`: the same as `postroom run sms`."""

from postroom.starting import start
from postroom_sms.service import service

if __name__ == "__main__":
    start(service)
