"""A test kit for people who write their own services.

`perform` runs a handler the way the worker does, without a broker. `running` starts the real runtime inside a
test. `eventually` waits for a condition instead of sleeping.
"""

from shared.patience import patience
from shared.testing.builders import make_send_email, make_user_created
from shared.testing.fakes import FrozenClock, RecordingPublisher
from shared.testing.performing import make_delivery, perform, running, running_with
from shared.testing.waiting import eventually

__all__ = [
    "FrozenClock",
    "RecordingPublisher",
    "eventually",
    "make_delivery",
    "make_send_email",
    "make_user_created",
    "patience",
    "perform",
    "running",
    "running_with",
]
