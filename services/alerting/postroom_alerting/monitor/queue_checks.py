"""All checks of queues, by what each queue is for."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from postroom.broker.management import QueueInfo
from postroom.broker.topology.roles import Role, role_of
from postroom.installation import installed_services
from postroom_alerting.monitor.broker_snapshot import BrokerSnapshot
from postroom_alerting.monitor.findings import Finding
from postroom_alerting.monitor.queue_age import QueueAgeCheck
from postroom_alerting.monitor.queue_consumers import QueueConsumersCheck
from postroom_alerting.monitor.queue_growth import QueueGrowthCheck
from postroom_alerting.monitor.settings import MonitorSettings
from postroom_alerting.monitor.stuck_queues import StuckQueuesCheck
from postroom_alerting.monitor.undeclared_queues import UndeclaredQueuesCheck, check_unrecorded, check_unrouted


class QueueCheck(Protocol):
    """Checks one queue at a time for one kind of condition, with what it remembers of earlier snapshots.

    Attributes:
        kind: the kind. The source of a finding is the kind and the queue's name.
    """

    kind: str

    def check(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """What is found; None while that is not known yet."""
        ...

    def forget(self, watched: Mapping[str, object]) -> None:
        """Remember only the queues that are named in `watched`."""
        ...


class QueueChecks:
    """Every check of queues."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._ignored = settings.ignored_patterns()
        self._undeclared = UndeclaredQueuesCheck()
        stuck = StuckQueuesCheck()
        self._checks: dict[Role, tuple[QueueCheck, ...]] = {
            Role.WORK: (
                QueueConsumersCheck(timedelta(seconds=settings.no_consumer_seconds)),
                QueueAgeCheck(
                    settings.age_limits({service.name: service.conditions for service in installed_services()})
                ),
                QueueGrowthCheck(timedelta(minutes=settings.growing_minutes), settings.growing_messages),
                stuck,
            ),
            Role.LADDER: (stuck,),
        }
        self._kinds = {check.kind for checks in self._checks.values() for check in checks}

    def check(self, snapshot: BrokerSnapshot) -> Iterator[Finding]:
        """The findings of one snapshot."""
        roles = self._roles(snapshot)
        for queue, role in roles:
            for check in self._checks.get(role, ()):
                if finding := check.check(queue, snapshot.at):
                    yield finding
        self._forget({queue.name: role for queue, role in roles if role in self._checks or role is Role.UNKNOWN})
        at = snapshot.at
        for found in (self._undeclared.check(roles, at), check_unrouted(roles, at), check_unrecorded(roles, at)):
            if found:
                yield found

    def ended(self, snapshot: BrokerSnapshot, lasting: Collection[str]) -> Iterator[Finding]:
        """Findings without conditions for those sources in `lasting` whose queue is no longer checked for them.

        The queue is gone or ignored, or no service has it now.
        """
        watched = {f"{kind} {queue.name}" for queue, role in self._roles(snapshot) for kind in self._kinds_for(role)}
        for source in sorted(lasting):
            if source.partition(" ")[0] in self._kinds and source not in watched:
                yield Finding(source)

    def _roles(self, snapshot: BrokerSnapshot) -> list[tuple[QueueInfo, Role]]:
        return [(queue, role_of(queue, self._ignored)) for queue in snapshot.queues]

    def _kinds_for(self, role: Role) -> Collection[str]:
        if role is Role.UNKNOWN:  # it may turn out to be of any role
            return self._kinds
        return [check.kind for check in self._checks.get(role, ())]

    def _forget(self, watched: Mapping[str, object]) -> None:
        for checks in self._checks.values():
            for check in checks:
                check.forget(watched)
