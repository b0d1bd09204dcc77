"""What is relied upon inside FastStream, aio-pika and aiormq. Red here: the library has changed underneath.

Then read the library's change, and shared/postroom/broker/library_internals.py beside it.
"""

import inspect
from types import SimpleNamespace
from typing import Any, cast

import aiormq
import pytest
from aio_pika import RobustChannel, RobustConnection
from aio_pika.robust_queue import RobustQueue
from aiormq import spec
from aiormq.abc import DeliveredMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from yarl import URL

from postroom.broker.library_internals import (
    IntakeChannel,
    IntakeQueue,
    deliver_at_once,
    start_consuming,
    take_deliveries,
)
from postroom.testing import eventually

QUEUE = "letter.weigh"
TAG = "ctag-1"


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


# aiormq


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("_on_deliver_frame", ["self", "frame"]),
        ("_get_frame", ["self"]),
        ("_read_content", ["self", "frame", "header"]),
    ],
)
def test_aiormq_s_channel_has_the_methods_that_are_called_or_replaced(method: str, expected: list[str]) -> None:
    function = getattr(aiormq.Channel, method)

    assert inspect.iscoroutinefunction(function)
    assert parameters(function) == expected


def opened_channel() -> aiormq.Channel:
    """A channel of aiormq's without a broker: its reader takes frames as they come from a connection."""
    connection = aiormq.Connection("amqp://127.0.0.1/")
    connection.connection_tune = spec.Connection.Tune(0, 131072, 0)
    return aiormq.Channel(connection, 1, publisher_confirms=False)


async def receive_frames(channel: aiormq.Channel, message_id: str) -> None:
    properties = commands.Basic.Properties(message_id=message_id, headers={"tenant": "acme"})
    deliver = spec.Basic.Deliver(TAG, 1, True, "jobs", QUEUE)
    for frame in (deliver, ContentHeader(0, 4, properties), ContentBody(b"{"), ContentBody(b"  }")):
        await channel.frames.put((0, frame))


def seen(message: DeliveredMessage) -> tuple[Any, ...]:
    properties = message.header.properties
    return (message.body, properties.message_id, properties.headers, message.delivery_tag, message.exchange)


async def delivered(*, by_us: bool) -> tuple[DeliveredMessage, int]:
    """A message from aiormq's reader, by its own method or by ours, and how many tasks were made for it."""
    channel, messages, tasks = opened_channel(), list[DeliveredMessage](), 0
    make_task = channel.create_task

    def create_task(coroutine: Any) -> Any:
        nonlocal tasks
        tasks += 1
        return make_task(coroutine)

    async def take(message: DeliveredMessage) -> None:
        messages.append(message)

    channel.consumers[TAG] = take
    if by_us:
        queue = IntakeQueue(cast("Any", SimpleNamespace(get_underlay_channel=_always(channel))), QUEUE)
        channel.basic_consume = _always(SimpleNamespace(consumer_tag=TAG))  # type: ignore[method-assign]
        await queue.consume(take)
    channel.create_task = create_task  # type: ignore[method-assign]
    await receive_frames(channel, "m")
    await eventually(lambda: messages)
    made = tasks
    await channel.close()
    return messages[0], made


async def test_aiormq_s_reader_delivers_by_the_method_that_is_replaced_and_ours_reads_the_same() -> None:
    theirs, their_tasks = await delivered(by_us=False)
    ours, our_tasks = await delivered(by_us=True)

    assert seen(ours) == seen(theirs)
    assert ours.body == b"{  }"
    assert (their_tasks, our_tasks) == (1, 0)  # which is what ours is for


async def test_a_delivery_for_a_consumer_that_was_cancelled_meanwhile_is_left_to_the_broker() -> None:
    channel = opened_channel()
    await receive_frames(channel, "m")
    _, frame = await channel.frames.get()

    await deliver_at_once(channel, frame)

    assert channel.frames.empty()
    await channel.close()


async def test_aiormq_says_when_a_channel_is_closed_to_each_who_waits() -> None:
    channel = opened_channel()
    first, second = channel.closing, channel.closing
    first.cancel()

    await channel.close()

    await eventually(second.done)
    assert channel.is_closed


# aio-pika


def _always(answer: Any) -> Any:
    async def respond(*_args: Any, **_options: Any) -> Any:
        return answer

    return respond


class Underlay:
    """aiormq's channel, as far as a queue of aio-pika's calls it."""

    def __init__(self) -> None:
        self.consumed: list[tuple[str, Any, str | None]] = []

    async def queue_declare(self, **_options: Any) -> spec.Queue.DeclareOk:
        return spec.Queue.DeclareOk(QUEUE, 0, 0)

    async def basic_consume(
        self, queue: str, callback: Any, *, consumer_tag: str | None = None, **_options: Any
    ) -> spec.Basic.ConsumeOk:
        self.consumed.append((queue, callback, consumer_tag))
        return spec.Basic.ConsumeOk(consumer_tag or TAG)

    async def basic_cancel(self, consumer_tag: str, **_options: Any) -> spec.Basic.CancelOk:
        return spec.Basic.CancelOk(consumer_tag)


async def test_aio_pika_consumes_again_after_a_lost_connection_from_what_the_queue_noted() -> None:
    underlay = Underlay()
    queue = IntakeQueue(cast("Any", SimpleNamespace(get_underlay_channel=_always(underlay))), QUEUE)
    callback = _always(None)

    tag = await queue.consume(callback, no_ack=False, arguments={})
    await queue.restore()
    await queue.cancel(tag)
    await queue.restore()

    assert underlay.consumed == [(QUEUE, callback, None), (QUEUE, callback, TAG)]
    assert isinstance(queue, RobustQueue)


def test_aio_pika_s_queue_takes_the_options_that_ours_passes_on() -> None:
    options = ["no_ack", "exclusive", "arguments", "consumer_tag", "timeout", "robust"]

    assert parameters(RobustQueue.consume) == ["self", "callback", *options]
    assert parameters(aiormq.Channel.basic_consume)[:3] == ["self", "queue", "consumer_callback"]


async def test_aio_pika_makes_channels_and_queues_of_the_classes_it_is_given() -> None:
    connection = RobustConnection(URL("amqp://127.0.0.1/"))
    connection.transport = cast("Any", object())
    connection.CHANNEL_CLASS = IntakeChannel

    channel = connection.channel()

    assert isinstance(channel, IntakeChannel)
    assert isinstance(channel, RobustChannel)
    assert isinstance(await channel.get_queue(QUEUE, ensure=False), IntakeQueue)
    connection.transport = None


# FastStream


class Connection:
    """aio-pika's connection, channel and queue, as far as FastStream calls them."""

    def __init__(self) -> None:
        self.CHANNEL_CLASS: Any = RobustChannel
        self.close_callbacks, self.reconnect_callbacks = set[Any](), set[Any]()
        self.opened_as: list[Any] = []
        self.prefetch: list[int] = []
        self.declared: dict[str, bool] = {}
        self.consumers: dict[str, Any] = {}
        self.cancelled: list[str] = []

    async def channel(self, **_options: Any) -> Any:
        self.opened_as.append(self.CHANNEL_CLASS)
        return SimpleNamespace(set_qos=self._set_qos, declare_queue=self._declare_queue, is_closed=False)

    async def _set_qos(self, *, prefetch_count: int, **_options: Any) -> None:
        self.prefetch.append(prefetch_count)

    async def _declare_queue(self, *, name: str, passive: bool, **_options: Any) -> Any:
        self.declared[name] = not passive

        async def consume(callback: Any, **_options: Any) -> str:
            self.consumers[name] = callback
            return TAG

        async def cancel(tag: str) -> None:
            self.cancelled.append(tag)

        return SimpleNamespace(consume=consume, cancel=cancel, channel=SimpleNamespace(is_closed=False))


async def test_faststream_gives_each_delivery_to_what_stands_in_its_subscriber_s_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, received = Connection(), list[Any]()
    monkeypatch.setattr("faststream.rabbit.broker.broker.connect_robust", _always(connection))
    broker = RabbitBroker("amqp://127.0.0.1/", logger=None, apply_types=False)
    subscriber = broker.subscriber(
        RabbitQueue(QUEUE, queue_type=QueueType.QUORUM, durable=True, declare=False),
        channel=Channel(prefetch_count=7),
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
    )

    async def receive(message: Any) -> None:
        received.append(message)

    take_deliveries(subscriber, receive)
    await start_consuming(broker)
    message = object()
    await connection.consumers[QUEUE](message)
    await subscriber.stop()

    assert received == [message]
    assert connection.opened_as[-1] is IntakeChannel
    assert (connection.prefetch, connection.declared[QUEUE], connection.cancelled) == ([7], False, [TAG])
