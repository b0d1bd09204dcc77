"""The broker's users as data, made from the registered handlers: what each may do, and nothing else.

A permission is three patterns of names in one virtual host. No user may configure: the topology is an administrator's.
Topic permissions narrow what may be published: a service retries and buries messages of its own queues only.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from postroom import wire
from postroom.broker.topology.ladder import LEVELS
from postroom.wire.errors import ConfigurationError
from postroom.worker.registration import Subscription

NOTHING = "^$"
PUBLISHER = "publisher"
OPERATOR = "operator"
MONITORING = "monitoring"

_DEFAULT_EXCHANGE = "amq.default"  # as permissions call the exchange without a name
_WALK = r"^([01]\.){%d}" % LEVELS  # noqa: UP031 - an f-string would need its braces doubled


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """One user of the broker, for one role: a service's name, or `publisher`, `operator`, `monitoring`.

    Attributes:
        name: as the broker knows it. Users are the whole broker's, permissions a virtual host's.
        tags: what the management API lets it do.
        write: exchanges it may publish to.
        read: queues it may consume.
        topics: by exchange, which routing keys it may publish with; without an entry all.
    """

    role: str
    name: str
    write: str = NOTHING
    read: str = NOTHING
    tags: tuple[str, ...] = ()
    topics: Mapping[str, str] = field(default_factory=dict)
    configure: str = NOTHING


def user_prefix(virtual_host: str) -> str:
    """What the names of an installation's users begin with: two on one broker have two virtual hosts."""
    return "postroom-" if virtual_host == "/" else f"{virtual_host}-"


def build_users(subscriptions: Iterable[Subscription], prefix: str) -> tuple[BrokerUser, ...]:
    """The users for these handlers: one per service, then publisher, operator and monitoring.

    Raises ConfigurationError for a service that is called like one of those three.
    """
    services: dict[str, list[Subscription]] = {}
    subscriptions = tuple(subscriptions)
    for subscription in subscriptions:
        services.setdefault(subscription.service, []).append(subscription)
    people = (
        BrokerUser(PUBLISHER, prefix + PUBLISHER, _one_of([wire.JOBS, wire.EVENTS])),
        _operator(prefix, [subscription.queue for subscription in subscriptions]),
        BrokerUser(MONITORING, prefix + MONITORING, tags=("monitoring",)),
    )
    if taken := services.keys() & {user.role for user in people}:
        raise ConfigurationError(f"{taken.pop()} cannot be a service's name: a user of the broker is called so")
    return (*(_service(name, prefix, services[name]) for name in sorted(services)), *people)


def _service(name: str, prefix: str, subscriptions: list[Subscription]) -> BrokerUser:
    queues = [each.queue for each in subscriptions]
    # Alerting rejects what it cannot process; what it published as dead would come back to it.
    buried = [queue for queue in queues if queue != wire.ALERTING_QUEUE]
    # Who reads what is addressed to others (every event, every dead letter) watches, and starts no work.
    watches = any(each.model is None for each in subscriptions)
    exchanges = [
        *([] if watches else [wire.JOBS]),
        wire.EVENTS,
        *([wire.DEAD_LETTERS] if buried else []),
        wire.DELAY,
    ]
    topics = {wire.DELAY: _WALK + _one_of(queues).removeprefix("^")}
    if buried:
        topics[wire.DEAD_LETTERS] = _one_of(buried)
    return BrokerUser(name, prefix + name, _one_of(exchanges), _one_of(queues), topics=topics)


def _operator(prefix: str, queues: Sequence[str]) -> BrokerUser:
    """The user that replays dead letters. For `topology check` it may also use the delay ladder, to one queue only."""
    # Writing to a queue itself means to bind it, to what one may read. It is here because from 4.2.6 on nobody may
    # ask how long a queue is who may do nothing with it.
    return BrokerUser(
        OPERATOR,
        prefix + OPERATOR,
        write=_one_of([_DEFAULT_EXCHANGE, wire.JOBS, wire.EVENTS, wire.DELAY, *queues]),
        read=rf"^(.+{re.escape(wire.DEAD_SUFFIX)}|{wire.UNROUTED_QUEUE})$",
        tags=("policymaker", "management"),
        topics={wire.DELAY: _WALK + _one_of([wire.UNROUTED_QUEUE]).removeprefix("^")},
    )


def _one_of(names: Iterable[str]) -> str:
    return f"^({'|'.join(_literal(name) for name in names)})$"


def _literal(name: str) -> str:
    # A hyphen means itself outside of brackets, and people read these patterns.
    return re.escape(name).replace(r"\-", "-")
