"""A message on its way to its end: the broker, the inbox and the handler of it, with one fault at one step."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, ClassVar, cast

from aiormq.exceptions import ChannelInvalidStateError

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.inbox import MOST_DEATHS, Claim, ClaimState, Finish, Inbox, Key
from postroom.runtime.processing.processor import Processor
from postroom.testing import make_delivery
from postroom.wire.errors import PermanentFailure, Postponed, Requeued, TemporaryFailure
from postroom.wire.messages import Job
from postroom.wire.retries import RetryPolicy
from postroom.worker import Keep, Worker

TAG = 1
REPLAYED = {wire.X_FAILED_AT: "2026-01-01T00:00:00Z"}


class Weigh(Job):
    """Weigh a letter."""

    kind: ClassVar[str] = "letter.weigh"


class Killed(BaseException):
    """The process dies here: nothing is done after it."""


class Fault(Enum):
    """What breaks a step."""

    KILLED = "the process is killed"
    FAILS = "it raises what nobody expected"
    CANCELLED = "the process stops, and waits no longer"
    CHANNEL_LOST = "the broker takes its deliveries back"


class Moment(Enum):
    """When, as seen by the other side."""

    BEFORE = "before it has happened"
    AFTER = "after it has happened, and nobody knows"


@dataclass(frozen=True)
class Scenario:
    """A message, how it ends, and by which steps.

    Attributes:
        copied_to: the exchange of what stands for it.
    """

    steps: tuple[str, ...]
    error: Exception | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    claim: Claim = Claim(ClaimState.GRANTED)
    queue: str = "letter.weigh"
    copied_to: str | None = None
    is_announced: bool = False
    body: bytes = b"{}"


HANDLED = ("claim", "handle")
SCENARIOS = {
    "done": Scenario((*HANDLED, "record", "ack")),
    "done and announced": Scenario((*HANDLED, "record", "announce", "ack"), headers=REPLAYED, is_announced=True),
    "retried": Scenario((*HANDLED, "copy", "record", "ack"), TemporaryFailure("busy"), copied_to=wire.DELAY),
    "dead": Scenario((*HANDLED, "copy", "record", "ack"), PermanentFailure("never"), copied_to=wire.DEAD_LETTERS),
    "postponed": Scenario(
        (*HANDLED, "copy", "record", "ack"),
        Postponed("not now", wait=timedelta(minutes=1)),
        copied_to=wire.DELAY,
    ),
    "requeued": Scenario((*HANDLED, "record", "requeue"), Requeued("as it is")),
    "alerting's own dead": Scenario(
        (*HANDLED, "record", "reject"), PermanentFailure("never"), queue=wire.ALERTING_QUEUE
    ),
    "killed five": Scenario(
        ("claim", "copy", "record", "ack"), claim=Claim(ClaimState.GRANTED, MOST_DEATHS), copied_to=wire.DEAD_LETTERS
    ),
    "done before": Scenario(("claim", "ack"), claim=Claim(ClaimState.DONE)),
    "done before and announced": Scenario(
        ("claim", "announce", "ack"), headers=REPLAYED, claim=Claim(ClaimState.DONE), is_announced=True
    ),
    "held": Scenario(("claim", "copy", "ack"), claim=Claim(ClaimState.HELD), copied_to=wire.DELAY),
    "delayed": Scenario(("copy", "ack"), headers={wire.DELAY_SECONDS: 60}, copied_to=wire.DELAY),
    "invalid": Scenario(("copy", "record", "ack"), body=b"{", copied_to=wire.DEAD_LETTERS),
}


class World:
    """The broker, the inbox and the handler of one message, as a scenario has them, with one fault at one step."""

    def __init__(
        self, scenario: Scenario, *, at: str = "", moment: Moment = Moment.BEFORE, fault: Fault = Fault.FAILS
    ) -> None:
        self.scenario = scenario
        self.steps: list[str] = []
        self.confirmed: list[Outgoing] = []
        self.is_row_done = scenario.claim.state is ClaimState.DONE
        self.is_row_held = False
        self.recorded: list[str] = []
        self.answers: list[str] = []
        self.channel = Channel(self)
        self._fault, self._at, self._moment = fault, at, moment
        self.fault_happened = False
        options: dict[str, Any] = {"retry": RetryPolicy(attempts=3), "history": Keep.ALWAYS}
        worker = Worker("scales")
        if scenario.queue == wire.ALERTING_QUEUE:
            worker.consumes(scenario.queue, **options)(self._handle)
        else:
            worker.handles(Weigh, **options)(self._handle)
        self.acks = Acknowledger(cast("Any", self.channel))
        self.processor = Processor(
            worker.subscriptions[scenario.queue],
            {},
            inbox=cast("Inbox", FakeInbox(self)),
            publisher=cast("Publisher", FakePublisher(self)),
            alone=asyncio.Lock(),
            circuit=CircuitBreaker("test"),
        )

    async def run(self) -> None:
        """Process the message as far as it goes, and acknowledge what is to be."""
        scenario = self.scenario
        delivery = make_delivery(scenario.body, queue=scenario.queue, headers=scenario.headers, tag=TAG)
        self.processor.take(delivery, self.acks)
        (life,) = self.processor._tasks
        await asyncio.wait((life,))
        if self._fault is Fault.KILLED and self.fault_happened:
            assert isinstance(life.exception(), Killed)
            return
        assert life.cancelled() or life.exception() is None
        await self.acks.flush()

    async def step(self, name: str, effect: Any = lambda: None) -> None:
        """What a step does on the other side, unless the fault comes first; or before anybody hears of it."""
        self.steps.append(name)
        is_hit = name == self._at and not self.fault_happened
        if is_hit and self._moment is Moment.BEFORE:
            await self._break_off()
        effect()
        if is_hit and self._moment is Moment.AFTER:
            await self._break_off()

    async def _break_off(self) -> None:
        self.fault_happened = True
        match self._fault:
            case Fault.KILLED:
                raise Killed
            case Fault.FAILS:
                raise RuntimeError("nobody expected this")
            case Fault.CANCELLED:
                for task in self.processor._tasks:
                    task.cancel()
            case Fault.CHANNEL_LOST:
                self.channel.lose()
        await asyncio.sleep(1)

    async def _handle(self, _message: Any) -> None:
        await self.step("handle")
        if self.scenario.error is not None:
            raise self.scenario.error

    @property
    def copies(self) -> list[str]:
        """Where copies of the message are, that the broker confirmed."""
        return [each.exchange for each in self.confirmed if each.exchange != wire.EVENTS]

    @property
    def is_announced(self) -> bool:
        return any(each.exchange == wire.EVENTS for each in self.confirmed)

    @property
    def is_settled(self) -> bool:
        """Whether what an acknowledgement promises is stored."""
        if self.scenario.copied_to is not None:
            return self.scenario.copied_to in self.copies
        return self.is_row_done and (self.is_announced or not self.scenario.is_announced)


class Channel:
    """The broker's side of the delivery: it answers it once, or takes it back when the channel is lost."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.is_closed = False
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def closing(self) -> "asyncio.Future[None]":
        return asyncio.shield(self._closing)

    def lose(self) -> None:
        self.is_closed = True
        self._closing.set_result(None)

    def _answer(self, answer: str) -> None:
        if self.is_closed:
            raise ChannelInvalidStateError("closed")
        assert not self._world.answers, "the broker closes the channel: unknown delivery tag"
        self._world.answers.append(answer)

    async def basic_ack(self, tag: int, **_: Any) -> None:
        assert tag == TAG
        await self._world.step("ack", lambda: self._answer("ack"))

    async def basic_nack(self, tag: int, *, requeue: bool, **_: Any) -> None:
        assert (tag, requeue) == (TAG, True)
        await self._world.step("requeue", lambda: self._answer("requeue"))

    async def basic_reject(self, tag: int, *, requeue: bool, **_: Any) -> None:
        assert tag == TAG
        name = "requeue" if requeue else "reject"
        await self._world.step(name, lambda: self._answer(name))


class FakePublisher:
    """Confirms what it is given."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def send(self, outgoing: Outgoing) -> None:
        name = "announce" if outgoing.exchange == wire.EVENTS else "copy"
        await self._world.step(name, lambda: self._world.confirmed.append(outgoing))


class FakeInbox:
    """One row, with the rules of the real one."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def claim(self, _key: Key) -> Claim:
        claim = self._world.scenario.claim

        def insert() -> None:
            self._world.is_row_held = claim.state is ClaimState.GRANTED

        await self._world.step("claim", insert)
        return claim

    async def finish(self, finish: Finish) -> None:
        def write() -> None:
            if finish.history is not None:
                self._world.recorded.append(finish.history["outcome"])
            if finish.key is None or not self._world.is_row_held:
                return
            self._world.is_row_held = False
            self._world.is_row_done = finish.is_done

        await self._world.step("record", write)
