"""What the status of a submit_sm_resp means for a text."""

from datetime import timedelta
from typing import NoReturn

from postroom_sms.errors import (
    GatewayThrottled,
    GatewayUnavailable,
    NumberRefused,
    RecipientOptedOut,
    TextDeferred,
    TextRefused,
)
from postroom_sms.gateway.smpp.pdu import status_name

# SMPP 3.4, 5.1.3. The protocol has no word for how long to wait.
QUEUE_FULL, THROTTLED = 0x14, 0x58
WAITS = {QUEUE_FULL: timedelta(seconds=5), THROTTLED: timedelta(seconds=1)}
SESSION = frozenset({0x04, 0x05, 0x0D, 0x0E, 0x0F})  # not bound, or not let in
NUMBER = frozenset({0x0B, 0x33, 0x50, 0x51})
DEFERRED = frozenset({0x08, 0x45, 0x64, 0xFE, 0xFF})  # system error, submit failed, temporary error of the application
FIRST_OF_THEIR_OWN = 0x100


def refuse(status: int, opted_out: frozenset[int]) -> NoReturn:
    """Raise what `status`, which is not ESME_ROK, means. `opted_out`: the codes by which this server says so."""
    said = f"the SMSC answers {status_name(status)}"
    if status in opted_out:
        raise RecipientOptedOut(said)
    if status in WAITS:
        raise GatewayThrottled(said, retry_after=WAITS[status])
    if status in SESSION:
        raise GatewayUnavailable(said)
    if status in NUMBER:
        raise NumberRefused(said)
    if status in DEFERRED or status >= FIRST_OF_THEIR_OWN:
        raise TextDeferred(said)  # codes of a server's own may mean anything; the attempts bound it
    raise TextRefused(said)
