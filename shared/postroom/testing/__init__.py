"""A test kit for people who write their own services.

`perform` runs a handler the way the worker does, without a broker. `running` starts the real runtime inside a
test. `broker_for` makes a virtual host for them. `eventually` waits for a condition instead of sleeping.
"""

from postroom.patience import patience
from postroom.testing.brokers import broker_for
from postroom.testing.builders import make_send_email, make_user_created
from postroom.testing.fakes import FrozenClock, RecordingPublisher
from postroom.testing.performing import (
    make_delivery,
    perform,
    running,
    running_service,
    running_standalone,
    running_with,
)
from postroom.testing.waiting import eventually

__all__ = [
    "FrozenClock",
    "RecordingPublisher",
    "broker_for",
    "eventually",
    "make_delivery",
    "make_send_email",
    "make_user_created",
    "patience",
    "perform",
    "running",
    "running_service",
    "running_standalone",
    "running_with",
]
