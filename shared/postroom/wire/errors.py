"""Every error Postroom raises on purpose.

PostroomError
├── ConfigurationError          a setting or a registration is wrong; nothing was started
│   └── NoDatabase              the service that is asked has never run with this database
├── PublishError                the message was not accepted
│   ├── InvalidPublish          it can never be: too large, bad option
│   ├── Unroutable              no queue takes it
│   ├── BrokerUnavailable       there is no connection
│   └── PublishTimeout          it may or may not have been stored: publish again with the same id
├── TopologyError               the broker is not as Postroom needs it
├── ManagementError             the management API did not do what was asked
│   ├── ManagementUnavailable   there is none at that address, or it takes too long
│   └── ManagementRefused       it does not let this user in
├── ServerNotStarted            a broker of our own did not come up (postroom.devkit.broker_node)
├── ServiceFailed               a service did not come up (postroom.devkit.supervisor)
└── JobError                    raised by a handler to say what is to happen to the message
    ├── Postponed               nothing was tried: comes again later, without an attempt being used
    ├── Requeued                goes back to the broker as it is, which delivers it again, to whoever is there
    ├── TemporaryFailure        may pass later: tried again after its backoff
    │   ├── TimeLimitExceeded   the handler was cancelled at its time limit
    │   └── ProviderUnavailable the server that does the work is away, for every message alike
    │       └── Throttled       it is there, and takes nothing from us for a while
    └── PermanentFailure        never will: a dead letter at once
        ├── InvalidMessage      the message breaks its contract
        ├── Expired             its `expires-at` had passed
        └── KilledWorker        every worker that took it died

Any other exception from a handler counts as a TemporaryFailure: a bug is retried, then waits as a dead letter.
"""

from datetime import timedelta


class PostroomError(Exception):
    """Base of all errors raised by Postroom."""


class ConfigurationError(PostroomError):
    """A setting or a registration is wrong. The message names it and says what to put there."""


class NoDatabase(ConfigurationError):
    """The service that is asked has never run with this database."""


class PublishError(PostroomError):
    """The broker did not confirm the message."""


class InvalidPublish(PublishError):
    """The message breaks the wire's limits and would be a dead letter at once."""


class Unroutable(PublishError):
    """No queue takes the message, and the broker handed it back."""


class BrokerUnavailable(PublishError):
    """There is no connection to the broker, or it was lost before the message was confirmed."""


class PublishTimeout(PublishError):
    """No confirm within the time-out. The message may have been stored: publish it again with the same id."""


class TopologyError(PostroomError):
    """The broker's exchanges, queues or policies are not as Postroom needs them."""


class ManagementError(PostroomError):
    """The management API did not do what was asked. The message names its address and the next step."""


class ManagementUnavailable(ManagementError):
    """There is no management API at that address, or it takes too long."""


class ManagementRefused(ManagementError):
    """The API does not let this user in, or not do this."""


class JobError(PostroomError):
    """Raised by a handler to decide what happens to its message. The text is written to `x-error`.

    Attributes:
        provider_answered: whether the provider was asked in this try and answered, whatever it said. An answer ends an
            outage; a failure without one says nothing about the provider.
    """

    def __init__(self, message: str = "", *, provider_answered: bool = False) -> None:
        super().__init__(message)
        self.provider_answered = provider_answered


class Postponed(JobError):
    """Not now, and nothing was tried: the message comes again after `wait`, with all its attempts."""

    def __init__(self, message: str, *, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait


class Requeued(JobError):
    """Back to the broker, unchanged and with all its attempts: it delivers the very message again at once.

    For what must not become a copy; all else that cannot be done now is better Postponed. RabbitMQ 3 counts such a
    delivery towards the queue's delivery limit of 20, RabbitMQ 4 does not.
    """


class TemporaryFailure(JobError):
    """The work may succeed later: try again after the message's backoff, or after `retry_after` if longer."""

    def __init__(
        self, message: str = "", *, retry_after: timedelta | None = None, provider_answered: bool = False
    ) -> None:
        super().__init__(message, provider_answered=provider_answered)
        self.retry_after = retry_after


class TimeLimitExceeded(TemporaryFailure):
    """The handler did not end within its time limit and was cancelled."""


class ProviderUnavailable(TemporaryFailure):
    """The server that does the work is away (refused, timed out, closing): it says nothing about this message.

    The service stops taking work until one message gets through; nothing loses an attempt meanwhile.
    """


class Throttled(ProviderUnavailable):
    """The provider takes nothing from this service for `retry_after`; all its messages wait for so long."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message, retry_after=retry_after)


class PermanentFailure(JobError):
    """The work can never succeed with this message: it becomes a dead letter at once."""


class InvalidMessage(PermanentFailure):
    """The message breaks its contract. The text names the field and says why."""


class Expired(PermanentFailure):
    """The message's `expires-at` has passed; doing it now would be worse than not doing it."""


class KilledWorker(PermanentFailure):
    """Every worker that began this message died before it finished."""
