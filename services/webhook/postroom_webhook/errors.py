"""What can be wrong with a call. The class names are what operators read in `x-error-type`.

Postponed
├── HostBusy                its receiver has as many calls under way as it may
├── SourceBusy              another sync of the same source is under way
└── SyncGoesOn              a long sync makes room for others, and continues later where it was
TemporaryFailure
├── ReceiverFailed          408, 425, 429 or 5xx
├── ReceiverTimedOut        no answer within the time limit
└── ReceiverUnreachable     no address, refused, broken off
    └── ReceiverUntrusted   its certificate is not valid for its name
PermanentFailure
├── AddressNotAllowed       its host is inside a network that must not be called
├── ReceiverRefused         any other answer that is not 2xx
│   ├── ReceiverGone        410: it wants no more
│   └── RedirectNotFollowed 3xx
├── SourceUnusable          what a source gave cannot be read, or is too large
└── InvalidMessage
    ├── InvalidUrl
    ├── HeaderNotAllowed
    ├── UnknownSecret
    └── UnknownSource
"""

from postroom.wire.errors import InvalidMessage, PermanentFailure, Postponed, TemporaryFailure


class HostBusy(Postponed):
    """The receiver has as many calls under way, and waiting for a turn, as one host may have."""


class SourceBusy(Postponed):
    """Another job is fetching the same source."""


class SyncGoesOn(Postponed):
    """The time of one delivery is used up; the pages that are done stay done."""


class ReceiverFailed(TemporaryFailure):
    """The receiver answered that it may work later."""


class ReceiverTimedOut(TemporaryFailure):
    """No answer within the time limit. The receiver may have done what was asked: it knows the webhook-id."""


class ReceiverUnreachable(TemporaryFailure):
    """The host has no address, refuses the connection or breaks it off."""


class ReceiverUntrusted(ReceiverUnreachable):
    """The certificate is not valid for the host's name. Nothing was sent."""


class AddressNotAllowed(PermanentFailure):
    """The host's addresses are not public, and WEBHOOK_ALLOWED_NETWORKS does not name them. Nothing was sent."""


class ReceiverRefused(PermanentFailure):
    """The receiver answered with a status that will be the same the next time."""


class ReceiverGone(ReceiverRefused):
    """410: the receiver asks to be called no more."""


class RedirectNotFollowed(ReceiverRefused):
    """3xx: the address is out of date. It is never followed, since it may lead anywhere."""


class SourceUnusable(PermanentFailure):
    """What a source gave is no JSON or CSV, lacks what the source's description names, or is too large."""


class InvalidUrl(InvalidMessage):
    """The URL is not valid, or names its host in a way that programs read differently."""


class HeaderNotAllowed(InvalidMessage):
    """A header is one that we set ourselves, or is no header."""


class UnknownSecret(InvalidMessage):
    """No secret of that name is in the settings, or it is not for that host."""


class UnknownSource(InvalidMessage):
    """There is no source of that name, or its description is not complete."""
