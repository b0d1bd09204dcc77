"""What `postroom status` says: gathered from the broker, from health ports and from alerting, as far as they answer."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from postroom import wire
from postroom.broker.management import Management, ManagementError, NodeInfo, QueueInfo
from postroom.broker.topology.roles import Role, role_of
from postroom.devkit.health_urls import Health, ask_health, read_gauge
from postroom.installation import read_port, services, workers
from postroom.privacy.redaction import redact
from postroom.read_ports import OPEN_INCIDENTS, OpenIncident
from postroom.wire.errors import ConfigurationError, NoDatabase
from postroom.wire.messages import KINDS

ALERTING = "alerting"
OLDEST = "postroom_queue_oldest_seconds"
SEEN_HERE_TOO = {
    *("queue-without-consumers", "queue-undeclared", "unrouted-not-empty", "alerting-dead-not-empty"),
    *("broker-alarm", "broker-node-down", "broker-partition", "management-unreachable"),
}
"""Conditions of alerting's that need not be said twice."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue that a service reads, and its dead letters.

    `oldest_seconds` is what alerting knows of its oldest message, where alerting's health port is known.
    """

    service: str
    queue: str
    waiting: int
    in_work: int
    consumers: int
    dead: int
    oldest_seconds: float | None = None


@dataclass(slots=True)
class State:
    """Everything on one screen.

    Attributes:
        version: of the broker; empty when it could not be asked.
        uncounted: queues of which the broker does not say more than their names yet.
        strays: queues that nobody declared, and how many messages are in them.
        conditions, groups: what alerting has open; None when it could not be asked.
        alerting_absence: why not, where it simply has no data here.
    """

    version: str = ""
    broker_problem: str = ""
    nodes: Sequence[NodeInfo] = ()
    queues: Sequence[QueueState] = ()
    unrouted: int = 0
    delayed: int = 0
    uncounted: int = 0
    strays: Mapping[str, int] = field(default_factory=dict)
    health: Sequence[Health] = ()
    conditions: Sequence[OpenIncident] | None = None
    groups: Sequence[OpenIncident] | None = None
    alerting_problem: str = ""
    alerting_absence: str = ""

    def problems(self) -> list[str]:
        """What is wrong, one line each, the worst first."""
        return [*self._of_broker(), *self._of_services(), *self._of_queues(), *self._of_alerting()]

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"problems": self.problems(), **asdict(self)}

    def _of_broker(self) -> Iterator[str]:
        if self.broker_problem:
            yield f"broker: {self.broker_problem}"
        for node in self.nodes:
            if not node.is_running:
                yield f"node {node.name} is down"
            yield from (f"node {node.name} is in a {alarm} alarm: nobody can publish" for alarm in node.alarms)
            if node.partitioned_from:
                yield f"node {node.name} has lost sight of {', '.join(node.partitioned_from)}"

    def _of_services(self) -> Iterator[str]:
        for each in self.health:
            if not each.is_ready:
                what = "; ".join(f"{name}: {text}" for name, text in each.problems.items())
                yield f"{each.service} is not ready: {what}"
            for service, outage in each.outages.items():
                yield f"{service} waits for its provider since {outage['since']}: {outage['reason']}"

    def _of_queues(self) -> Iterator[str]:
        for queue in self.queues:
            if not queue.consumers:
                yield f"nobody reads {queue.queue}, {queue.waiting} waiting"
        for queue in self.queues:
            if queue.dead:
                yield f"{queue.dead} in {wire.dead_queue(queue.queue)}: postroom dead list"
        if self.unrouted:
            jobs = "1 job" if self.unrouted == 1 else f"{self.unrouted} jobs"
            yield f"{jobs} that no queue takes: postroom dead show unrouted"
        for name, messages in self.strays.items():
            yield f"nobody declared the queue {name}, {messages} in it"

    def _of_alerting(self) -> Iterator[str]:
        if self.alerting_problem:
            yield f"what alerting knows cannot be read: {self.alerting_problem}"
        for each in self.conditions or ():
            if self.broker_problem or each.what not in SEEN_HERE_TOO:
                yield f"{each.what}: {each.text}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the state is gathered of: health URLs by service, and which queues are left out."""

    health: Mapping[str, str]
    ignored: tuple[str, ...] = ()


def gather(management: Management, asked: Asked) -> State:
    """Ask everybody. Whoever does not answer is a problem of its own and hides nothing else."""
    state = State()
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(ask_health, service, url) for service, url in asked.health.items()]
        _ask_broker(state, management, asked.ignored)
        _ask_alerting(state)
        state.health = [each.result() for each in answers]
    if url := asked.health.get(ALERTING):
        oldest = read_gauge(url, OLDEST, "queue")
        state.queues = [replace(each, oldest_seconds=oldest.get(each.queue)) for each in state.queues]
    return state


def _ask_broker(state: State, management: Management, ignored: tuple[str, ...]) -> None:
    try:
        state.version, queues = management.version(), management.queues()
        state.nodes = management.nodes()
    except ManagementError as error:
        state.broker_problem = redact(str(error))
        return
    roles = [(queue, role_of(queue, ignored)) for queue in queues]
    state.queues = _queue_states(roles)
    state.unrouted = sum(queue.messages for queue, role in roles if role is Role.UNROUTED)
    state.delayed = sum(queue.messages for queue, role in roles if role is Role.LADDER)
    state.uncounted = sum(role is Role.UNKNOWN for _queue, role in roles)
    state.strays = {queue.name: queue.messages for queue, role in roles if role is Role.UNDECLARED}


def _queue_states(roles: Sequence[tuple[QueueInfo, Role]]) -> list[QueueState]:
    readers = readers_of([queue.name for queue, role in roles if role is Role.WORK])
    messages = {queue.name: queue.messages for queue, _role in roles}
    found = [
        QueueState(
            service=readers[queue.name],
            queue=queue.name,
            waiting=queue.messages - queue.in_work,
            in_work=queue.in_work,
            consumers=queue.consumers,
            dead=messages.get(wire.dead_queue(queue.name), 0),
        )
        for queue, role in roles
        if role is Role.WORK
    ]
    return sorted(found, key=lambda each: (each.service, each.queue))


def readers_of(queues: Sequence[str]) -> dict[str, str]:
    """Which service reads each of the queues."""
    names = {service.name for service in services()}
    readers = {queue: _reader_by_name(queue, names) for queue in queues}
    if None in readers.values():  # only then it takes the time to load all services
        readers |= {queue: worker.service for worker in workers() for queue in worker.subscriptions if queue in readers}
    return {queue: service or queue.partition(".")[0] for queue, service in readers.items()}


def _reader_by_name(queue: str, services: Collection[str]) -> str | None:
    """The service that must read a queue of this name; None where the name does not say it.

    A listener's queue begins with its service. The queue of a shipped job belongs to the service that it is named
    after where that is installed.
    """
    first, _, rest = queue.partition(".")
    if queue == wire.ALERTING_QUEUE or rest.startswith("on.") or (queue in KINDS and first in services):
        return first
    return None


def _ask_alerting(state: State) -> None:
    try:
        open_incidents = read_port(OPEN_INCIDENTS)
        if open_incidents is None:
            return
        found = asyncio.run(open_incidents())
    except NoDatabase as error:  # nothing is wrong with that: it may run on another machine
        state.alerting_absence = str(error)
    except ConfigurationError as error:
        state.alerting_problem = redact(str(error))
    else:
        state.conditions = [each for each in found if each.about == "condition"]
        state.groups = [each for each in found if each.about == "failures"]
