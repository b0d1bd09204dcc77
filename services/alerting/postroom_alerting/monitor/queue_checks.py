"""What is wrong with the queues, look by look."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from postroom.broker.management import QueueInfo
from postroom.broker.topology.roles import Role, role_of
from postroom_alerting.monitor.broker_snapshot import Look
from postroom_alerting.monitor.findings import Finding
from postroom_alerting.monitor.queue_age import Ages
from postroom_alerting.monitor.queue_consumers import Readers
from postroom_alerting.monitor.queue_growth import Growth
from postroom_alerting.monitor.settings import WatchingSettings
from postroom_alerting.monitor.stuck_queues import Strands
from postroom_alerting.monitor.undeclared_queues import Strays, unrecorded, unrouted


class QueueJudge(Protocol):
    """Says one kind of thing of one queue at a time, and remembers what it has seen of it.

    Attributes:
        kind: the source of what it finds is this and the queue's name.
    """

    kind: str

    def judge(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """What is to be said; None where it cannot tell yet."""
        ...

    def forget(self, watched: Mapping[str, object]) -> None:
        """Keep only what is watched."""
        ...


class Queues:
    """All that is watched about queues."""

    def __init__(self, settings: WatchingSettings) -> None:
        self._ignored = settings.ignored_patterns()
        self._strays = Strays()
        strands = Strands()
        self._judges: dict[Role, tuple[QueueJudge, ...]] = {
            Role.WORK: (
                Readers(timedelta(seconds=settings.no_consumer_seconds)),
                Ages(settings.age_limits()),
                Growth(timedelta(minutes=settings.growing_minutes), settings.growing_messages),
                strands,
            ),
            Role.LADDER: (strands,),
        }
        self._kinds = {judge.kind for judges in self._judges.values() for judge in judges}

    def judge(self, look: Look) -> Iterator[Finding]:
        """What one look says."""
        roles = self._roles(look)
        for queue, role in roles:
            for judge in self._judges.get(role, ()):
                if finding := judge.judge(queue, look.at):
                    yield finding
        self._forget({queue.name: role for queue, role in roles if role in self._judges or role is Role.UNKNOWN})
        at = look.at
        for found in (self._strays.judge(roles, at), unrouted(roles, at), unrecorded(roles, at)):
            if found:
                yield found

    def ended(self, look: Look, lasting: Collection[str]) -> Iterator[Finding]:
        """Of the sources in `lasting` that saw something wrong with a queue, those that do not watch it any more.

        The queue is gone or ignored, or no service has it now.
        """
        watched = {f"{kind} {queue.name}" for queue, role in self._roles(look) for kind in self._kinds_for(role)}
        for source in sorted(lasting):
            if source.partition(" ")[0] in self._kinds and source not in watched:
                yield Finding(source)

    def _roles(self, look: Look) -> list[tuple[QueueInfo, Role]]:
        return [(queue, role_of(queue, self._ignored)) for queue in look.queues]

    def _kinds_for(self, role: Role) -> Collection[str]:
        if role is Role.UNKNOWN:  # it may be any of them
            return self._kinds
        return [judge.kind for judge in self._judges.get(role, ())]

    def _forget(self, watched: Mapping[str, object]) -> None:
        for judges in self._judges.values():
            for judge in judges:
                judge.forget(watched)
