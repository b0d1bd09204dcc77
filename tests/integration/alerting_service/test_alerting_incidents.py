"""The incidents of the alerting service follow the events of other services, on a real broker and database."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from postroom import wire
from postroom.operator.dead_letters import ReplayRate, RunControl, Selection, discard, replay, target_of
from postroom.runtime.processing.copies import completed
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.testing import eventually, make_delivery, running_service
from postroom_alerting.models import FailureRow
from postroom_alerting.service import service as alerting_service
from tests.support.alert_sinks import HttpSink
from tests.support.alerting_service import are, bury, counted, rows

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")


async def test_a_group_is_resolved_when_its_message_is_done_and_comes_back_with_the_next_death(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    events = await channel.get_exchange(wire.EVENTS, ensure=False)

    async def finish(kind: str, **fields: Any) -> None:
        body = json.dumps({"queue": "email.send", **fields}).encode()
        await events.publish(aio_pika.Message(body, message_id=f"{kind} {fields}"[:200], delivery_mode=2), kind)

    def sent(state: str) -> list[str]:
        return [body["title"] for body in http_sink.bodies if body["state"] == state]

    async with running_service(alerting_service, settings):
        await bury(channel, "m-1")
        await eventually(lambda: sent("new"))
        done_at = datetime.now(UTC).isoformat()
        await finish("job.completed", job_id="m-1", attempts=1, replays=1, completed_at=done_at)
        await eventually(lambda: sent("resolved"))
        await bury(channel, "m-2")
        await eventually(lambda: sent("came back"))
        discarded = {"message_ids": ["m-2"], "by": "ada@desk", "reason": "wrong"}
        after_its_death = datetime.now(UTC) + timedelta(hours=1)
        await finish("dead-letter.discarded", at=after_its_death.isoformat(), **discarded)
        await eventually(lambda: len(sent("resolved")) == 2)

    states = {row.message_id: row.state for row in await rows(database, FailureRow)}
    assert states == {"m-1": "done", "m-2": "discarded"}
    assert "ada@" not in json.dumps(http_sink.bodies)


async def test_one_id_that_was_dead_in_two_queues_and_is_done_in_both_leaves_no_group_open(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database
) -> None:
    queues = ("email.on.user.created", "sms.on.user.created")
    events = await channel.get_exchange(wire.EVENTS, ensure=False)

    async with running_service(alerting_service, settings):
        for queue in queues:
            await bury(channel, "u-1", routing_key=queue, headers={wire.X_QUEUE: queue})
        await eventually(lambda: counted(database, 2))
        for queue in queues:
            replay = make_delivery(b"{}", queue=queue, message_id="u-1", headers={wire.X_FAILED_AT: "2026-03-01"})
            end = completed(replay)
            await events.publish(end.to_amqp(), end.routing_key)
        await eventually(lambda: are(database, "resolved", "resolved"))

    assert {row.queue: row.state for row in await rows(database, FailureRow)} == dict.fromkeys(queues, "done")


async def test_a_job_that_no_queue_took_is_dead_until_it_is_replayed_or_discarded_and_each_time_anew(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    jobs = await channel.get_exchange(wire.JOBS, ensure=False)
    url, kind = settings.amqp_url.get_secret_value(), "sms.send"

    async def publish(moment: datetime) -> None:
        await jobs.publish(aio_pika.Message(b"{}", message_id="m-1", delivery_mode=2, timestamp=moment), kind)

    def sent(state: str) -> bool:
        of_group = [body["state"] for body in http_sink.bodies if body.get("error_type") == "Unrouted"]
        return of_group[-1:] == [state]

    async with running_service(alerting_service, settings):
        await publish(datetime(2026, 3, 1, 12, tzinfo=UTC))
        await eventually(lambda: sent("new"))
        service = await channel.declare_queue(kind, durable=True, arguments={"x-queue-type": "quorum"})
        await service.bind(wire.JOBS, kind)  # the service is deployed
        outcome = await replay(url, target_of("unrouted"), Selection(), rate=ReplayRate(), control=RunControl())
        assert outcome.settled == 1
        await eventually(lambda: sent("resolved"))

        await service.unbind(wire.JOBS, kind)  # and taken away again, with its queue, before it took the job
        job = await eventually(lambda: service.get(no_ack=True, fail=False))
        await jobs.publish(aio_pika.Message(job.body, message_id="m-1", headers=job.headers, delivery_mode=2), kind)
        await eventually(lambda: sent("came back"))
        with_reason = {"reason": "misspelt", "control": RunControl()}
        await discard(url, target_of("unrouted"), Selection(), **with_reason)
        await eventually(lambda: sent("resolved"))

        await publish(datetime.now(UTC) + timedelta(hours=1))  # whole seconds, and later than the discard
        await eventually(lambda: counted(database, 3))

    [row] = await rows(database, FailureRow)
    assert (row.message_id, row.count, row.state) == ("m-1", 3, "open")
