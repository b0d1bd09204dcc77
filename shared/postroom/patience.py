"""How patient the demo, `postroom up` and tests are with this machine: one factor for all that waits."""

import os
from datetime import timedelta


def patience(nominal: timedelta) -> timedelta:
    """How long to wait here for what takes at most `nominal` on a machine that has time.

    POSTROOM_PATIENCE says how many times as long, for machines that are slow or busy.
    """
    return nominal * float(os.environ.get("POSTROOM_PATIENCE") or 1)
