"""One factor for all time-outs, for machines that are slow or busy."""

import os
from datetime import timedelta

from postroom.wire.errors import ConfigurationError


def patience(nominal: timedelta) -> timedelta:
    """How long to wait here for what takes at most `nominal` on an idle machine.

    POSTROOM_PATIENCE says how many times as long, for machines that are slow or busy. Raises ConfigurationError when it
    is no number above 0.
    """
    given = os.environ.get("POSTROOM_PATIENCE") or "1"
    try:
        factor = float(given)
        if 0 < factor < float("inf"):
            return nominal * factor
    except ValueError:
        pass
    raise ConfigurationError(f"POSTROOM_PATIENCE: {given!r} is no number above 0, such as 2.5")
