"""What the error codes of Amazon SNS mean for a text."""

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
from postroom_sms.gateway.http import DEFAULT_WAIT, read_retry_after

THROTTLED = frozenset(
    {"Throttling", "Throttled", "ThrottledException", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
)
LOGIN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "MissingAuthenticationToken",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
AWAY = frozenset({"ServiceUnavailable", "ServiceUnavailableException"})
OPTED_OUT = frozenset({"OptedOut", "OptedOutException"})


def refuse(status: int, code: str, words: str, retry_after: str | None) -> NoReturn:
    """Raise what an error answer means.

    Args:
        words: the answer's, fit for a log.
        retry_after: the header, if there was one.
    """
    said = f"Amazon SNS answers {status} {code}: {words}"
    if status == 429 or code in THROTTLED:
        raise GatewayThrottled(said, retry_after=read_retry_after(retry_after) if retry_after else DEFAULT_WAIT)
    if code in OPTED_OUT or "opted out" in words.lower():
        raise RecipientOptedOut(said)
    if code in LOGIN or status in (401, 407):
        raise GatewayUnavailable(f"{said}; check the credentials, their permission sns:Publish and the clock")
    if code in AWAY or status == 503:
        raise GatewayUnavailable(said)
    if status >= 500:
        raise GatewayAnswerLost(f"{said}; it may have sent the text")  # an InternalError promises nothing
    if code.startswith("InvalidParameter") and "phone" in words.lower():
        raise NumberRefused(said)
    if status == 408:
        raise TextDeferred(said)
    raise TextRefused(said)
