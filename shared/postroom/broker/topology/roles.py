"""The role of each queue, read from the queue's own policy: no list of services is needed."""

from enum import Enum, auto
from fnmatch import fnmatchcase

from postroom import wire
from postroom.broker.management import QueueInfo
from postroom.broker.topology.ladder import delay_ladder
from postroom.installation import belongs_here

POLICY_PREFIX = "postroom."

LADDER = {queue.name: int(queue.arguments["x-message-ttl"]) / 1000 for queue in delay_ladder().queues}
"""The queues of the delay ladder, and for how many seconds each holds a message."""


class Role(Enum):
    """What a queue is for."""

    WORK = auto()  # a service reads it
    DEAD = auto()  # a person looks into it
    UNROUTED = auto()
    LADDER = auto()
    UNDECLARED = auto()  # no topology has it
    FOREIGN = auto()  # another program's, or ignored
    UNKNOWN = auto()


def role_of(queue: QueueInfo, ignored: tuple[str, ...] = ()) -> Role:
    """The role of `queue`; FOREIGN for those that match a pattern of `ignored`.

    A queue of a service that does not belong to this installation (POSTROOM_SERVICES) is FOREIGN too, unless messages
    wait in it: those were accepted, and no service reads them.

    UNKNOWN before the broker has counted the queue for the first time, which takes five seconds.
    """
    if any(fnmatchcase(queue.name, pattern) for pattern in ignored):
        return Role.FOREIGN
    if not queue.is_counted:
        return Role.UNKNOWN
    if queue.policy != POLICY_PREFIX + queue.name:
        # Temporary ones are somebody's own business. A mistyped destination in the management UI is durable.
        return Role.FOREIGN if queue.exclusive or queue.auto_delete else Role.UNDECLARED
    return _declared_role(queue)


def _declared_role(queue: QueueInfo) -> Role:
    if queue.name == wire.UNROUTED_QUEUE:
        return Role.UNROUTED
    if queue.name in LADDER:
        return Role.LADDER
    if not queue.messages and not belongs_here(queue.name):
        return Role.FOREIGN
    return Role.DEAD if queue.name.endswith(wire.DEAD_SUFFIX) else Role.WORK
