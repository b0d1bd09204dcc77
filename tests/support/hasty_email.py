"""The e-mail service with less patience in an outage: `python -m tests.support.hasty_email`.

It holds a message for HOLD_SECONDS instead of ten minutes before that walks the delay ladder, so that an outage of half
a minute does to it what one of many times ten minutes does to the real one.
"""

import os
from datetime import timedelta

from postroom.runtime.processing import execution
from postroom.starting import start
from postroom_email.handlers import worker
from postroom_email.service import service

__all__ = ["HOLD_SECONDS", "worker"]

HOLD_SECONDS = "HOLD_SECONDS"

if __name__ == "__main__":
    execution.LONGEST_HOLD = timedelta(seconds=float(os.environ[HOLD_SECONDS]))
    start(service)
