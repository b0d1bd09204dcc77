"""What is wrong with the queues, look by look."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from services.alerting.watching.ages import Ages
from services.alerting.watching.findings import Finding
from services.alerting.watching.growth import Growth
from services.alerting.watching.looking import Look
from services.alerting.watching.readers import Readers
from services.alerting.watching.settings import WatchingSettings
from services.alerting.watching.strands import Strands
from services.alerting.watching.strays import Strays, unrouted
from shared.management import QueueInfo
from shared.topology.roles import Role, role_of


class QueueJudge(Protocol):
    """Says one kind of thing of one queue at a time, and remembers what it has seen of it."""

    def judge(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """What is to be said; None where it cannot tell yet."""
        ...

    def forget(self, present: Mapping[str, object]) -> None:
        """Keep only what is there."""
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
        self._sources: dict[str, set[str]] = {}  # what was found about a queue, by its name

    def judge(self, look: Look) -> Iterator[Finding]:
        """What one look says. A queue that is gone has nothing wrong with it any more."""
        roles = [(queue, role_of(queue, self._ignored)) for queue in look.queues]
        for queue, role in roles:
            for judge in self._judges.get(role, ()):
                if finding := judge.judge(queue, look.at):
                    self._sources.setdefault(queue.name, set()).add(finding.source)
                    yield finding
        yield from self._gone({queue.name: queue for queue in look.queues})
        for found in (self._strays.judge(roles, look.at), unrouted(roles, look.at)):
            if found:
                yield found

    def _gone(self, present: Mapping[str, QueueInfo]) -> Iterator[Finding]:
        for name in self._sources.keys() - present.keys():
            yield from (Finding(source) for source in self._sources.pop(name))
        for judges in self._judges.values():
            for judge in judges:
                judge.forget(present)
