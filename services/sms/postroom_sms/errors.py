"""What can be wrong with a text message. The class names are what operators read in `x-error-type`.

TemporaryFailure
├── TextDeferred            the provider refuses this text for now
└── GatewayAnswerLost       the request left, no readable answer came: it may have been sent
ProviderUnavailable
├── GatewayUnavailable      the provider is away, or does not let us in
└── Throttled
    └── GatewayThrottled    the provider takes nothing from us for a while
PermanentFailure
├── TextRefused             the provider will not send this text: blocked, forbidden content, no route
├── NumberRefused           the provider says that the number cannot be reached by text
├── RecipientOptedOut       the recipient has said STOP, here or at the provider
├── TextParked              GatewayAnswerLost where SMS_AFTER_LOST_ANSWER=park: a person decides about sending it again
└── InvalidMessage
    ├── InvalidNumber       not a phone number that exists
    ├── InvalidSender       not a sender id
    └── TextTooLong         more parts than SMS_MAX_SEGMENTS
"""

from postroom.wire.errors import InvalidMessage, PermanentFailure, ProviderUnavailable, TemporaryFailure, Throttled


class TextDeferred(TemporaryFailure):
    """The provider refuses this text for now."""


class GatewayAnswerLost(TemporaryFailure):
    """The request left and no readable answer came: the text may or may not be on its way.

    The next try carries the same reference, by which some providers recognise the double.

    Attributes:
        gateway: whose answer it was; set by the failover.
    """

    gateway: str | None = None


class GatewayThrottled(Throttled):
    """The provider takes nothing from us for a while."""


class GatewayUnavailable(ProviderUnavailable):
    """The provider is away, or does not let us in. Nothing was sent."""


class TextRefused(PermanentFailure):
    """The provider will not send this text."""


class NumberRefused(PermanentFailure):
    """The provider says that this number cannot be reached by text."""


class RecipientOptedOut(PermanentFailure):
    """The recipient wants no texts."""


class TextParked(PermanentFailure):
    """An answer was lost and the setting says that a person decides. A replay sends it again."""


class InvalidNumber(InvalidMessage):
    """`to` is not a phone number that exists."""


class InvalidSender(InvalidMessage):
    """`sender` is neither a number nor a sender id of 1 to 11 letters, digits and spaces."""


class TextTooLong(InvalidMessage):
    """The text needs more parts than SMS_MAX_SEGMENTS."""
