"""What Twilio's status and error codes mean for a text."""

from datetime import timedelta
from typing import NoReturn

from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    NumberRefused,
    RecipientOptedOut,
    TextDeferred,
    TextRefused,
)

# https://www.twilio.com/docs/api/errors
OPTED_OUT = 21610
THROTTLED = frozenset({14107, 20429, 21611, 30001, 30022})
"""Too many requests; too many texts a second, or queued, for a sender or a campaign."""

DAILY_LIMIT = 63038
DAILY_LIMIT_WAIT = timedelta(hours=1)
ACCOUNT = frozenset({10001, 20003, 20005, 20006, 20008, 20404, 20503, 30002, 90010})
"""Login refused, account or its address unknown, suspended or inactive, the API away: true for every text alike."""

NUMBER = frozenset({21211, 21214, 21217, 21401, 21421, 21601, 21604, 21612, 21614, 21635, 30005, 30006})
DEFERRED = frozenset({30003, 30008})

CONTENT = {30004: "it was blocked", 30007: "it was filtered as unwanted"}


def refuse(status: int, code: int | None, words: str, wait: timedelta) -> NoReturn:
    """Raise what an answer that is no acceptance means.

    Args:
        code: Twilio's error code, absent where the answer is none of its own.
        words: Twilio's, fit for a log.
        wait: what its Retry-After asks for.
    """
    said = f"Twilio answers {status}" + (f", error {code}" if code else "") + (f": {words}" if words else "")
    if code == OPTED_OUT:
        raise RecipientOptedOut(said)
    if code == DAILY_LIMIT:
        raise GatewayThrottled(said, retry_after=max(wait, DAILY_LIMIT_WAIT))
    if status == 429 or code in THROTTLED:
        raise GatewayThrottled(said, retry_after=wait)
    if code in ACCOUNT:
        raise GatewayUnavailable(f"{said}; check the account and its token in SMS_GATEWAY_URL")
    if code in NUMBER:
        raise NumberRefused(said)
    if code in DEFERRED:
        raise TextDeferred(said)
    _refuse_by_status(status, said, CONTENT.get(code or 0))


def _refuse_by_status(status: int, said: str, reason: str | None) -> NoReturn:
    if status in (401, 402, 404, 407):
        raise GatewayUnavailable(f"{said}; check the account and its token in SMS_GATEWAY_URL")
    if status == 503:
        # "Unable to handle the request" (RFC 9110, 15.6.4): the one 5xx that says nothing was done.
        raise GatewayUnavailable(said)
    if status >= 500:
        # The request had arrived. A 500 may come after the text was queued, and a 502 or 504 from a proxy whose
        # server has queued it; Twilio promises for neither that nothing was sent, and knows no idempotency key.
        raise GatewayAnswerLost(f"{said}; it may have sent the text")
    if status in (408, 409, 425):
        raise TextDeferred(said)
    raise TextRefused(f"{said} ({reason})" if reason else said)
