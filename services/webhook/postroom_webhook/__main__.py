"""`python -m postroom_webhook`: the same as `postroom run webhook`."""

from postroom.starting import start
from postroom_webhook.service import service

if __name__ == "__main__":
    start(service)
