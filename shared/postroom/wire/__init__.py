"""Names and limits of the wire: what a program in another language sees.

These are the contract. A name may gain meanings; it never changes one. docs/wire.md describes them for
publishers.
"""

from typing import Final

# Exchanges.
JOBS: Final = "jobs"
EVENTS: Final = "events"
DEAD_LETTERS: Final = "dead-letters"
UNROUTED: Final = "unrouted"
DELAY: Final = "delay"  # the delay ladder's entry
DELAY_DUE: Final = "delay.due"  # the ladder's exit: from here a message goes back to its queue

# Queues with a fixed name.
ALERTING_QUEUE: Final = "alerting"
UNROUTED_QUEUE: Final = "unrouted"
DEAD_SUFFIX: Final = ".dead"
EVERY_EVENT: Final = "all"  # in the name of a listener's queue, in place of a kind

# Limits.
MAX_BODY_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 16  # objects and arrays opened in one body
MAX_HEADERS: Final = 100
MAX_SHORT_BYTES: Final = 255  # AMQP's own limit for a message id and its like
MAX_ERROR_BYTES: Final = 1024  # of each header that Postroom writes
DELIVERY_LIMIT: Final = 20  # deliveries after which the broker itself buries a message

# Content types.
JSON: Final = "application/json"
CLOUDEVENTS: Final = "application/cloudevents+json"

# Headers a publisher may set.
ATTEMPTS: Final = "attempts"
BACKOFF: Final = "backoff"
BACKOFF_SECONDS: Final = "backoff-seconds"
DELAY_SECONDS: Final = "delay-seconds"
EXPIRES_AT: Final = "expires-at"
RUN_AT: Final = "run-at"
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

# Headers that Postroom writes on a retried or dead message.
X_ATTEMPT: Final = "x-attempt"
X_ATTEMPTS: Final = "x-attempts"
X_ERROR_TYPE: Final = "x-error-type"
X_ERROR: Final = "x-error"
X_ERROR_AT: Final = "x-error-at"
X_FAILED_AT: Final = "x-failed-at"  # only on what was dead: a delivery that carries it is a replay
X_SERVICE: Final = "x-service"
X_QUEUE: Final = "x-queue"
X_EXCHANGE: Final = "x-exchange"
X_ROUTING_KEY: Final = "x-routing-key"
X_FIRST_SEEN_AT: Final = "x-first-seen-at"
X_REPLAYS: Final = "x-replays"
X_REPLAY_RUN: Final = "x-replay-run"  # on a message that a command replayed

# Written by the scheduler.
X_SCHEDULE: Final = "x-schedule"
X_FIRE_TIME: Final = "x-fire-time"

# Written by `postroom topology check`; a worker rejects such a message instead of doing it.
X_PROBE: Final = "x-postroom-probe"


def dead_queue(queue: str) -> str:
    """The queue in which the dead letters of `queue` wait for a person."""
    return queue + DEAD_SUFFIX


def listener_queue(service: str, event: str) -> str:
    """The queue of `service`'s own copies of `event`: `email.on.user.created`."""
    return f"{service}.on.{event}"
