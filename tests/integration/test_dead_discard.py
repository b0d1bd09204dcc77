"""Dead letters are discarded, and named in the log."""

import logging
from typing import Any

import pytest

from postroom.operator.dead_letters import (
    QueuedDeadLetter,
    RunControl,
    Selection,
    discard,
    discarding,
)
from postroom.wire.errors import PublishTimeout
from tests.support.dead_letters import DEAD, TARGET, DeadLetterHarness, discard_all, names


async def test_discarded_messages_are_gone_and_named_in_the_log(
    vhost: Any, dead_harness: DeadLetterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await dead_harness.bury(*names(3))
    caplog.set_level(logging.INFO)

    outcome = await discard(
        vhost.amqp_url, TARGET, Selection(frozenset({"m-0", "m-2"})), reason="wrong list", control=RunControl()
    )

    assert outcome.settled == 2
    assert await dead_harness.ids(DEAD) == ["m-1"]
    first, last = [
        one.getMessage() for one in caplog.records if one.name == "postroom.operator.dead_letters.discarding"
    ]
    assert "wrong list" in first
    assert "m-0 m-2" in first
    assert DEAD in first
    assert last.endswith("discarded 2 of 3 messages of email.send.dead")


class StopsWhile(Selection):
    """Asks to stop while the sixtieth message is looked at."""

    def __init__(self, control: RunControl) -> None:
        super().__init__()
        object.__setattr__(self, "seen", [])
        object.__setattr__(self, "control", control)

    def takes(self, found: QueuedDeadLetter) -> bool:
        self.seen.append(found)  # type: ignore[attr-defined]
        if len(self.seen) == 60:  # type: ignore[attr-defined]
            self.control.stop.set()  # type: ignore[attr-defined]
        return True


async def test_stopped_before_any_was_deleted_a_discard_deletes_none(
    vhost: Any, dead_harness: DeadLetterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await dead_harness.bury(*names(150))
    control = RunControl()

    outcome = await discard_all(vhost, StopsWhile(control), control=control)

    assert (outcome.settled, outcome.is_stopped) == (0, True)
    assert "discarded 0 of 150 messages of email.send.dead, then stopped" in caplog.messages[-1]
    await dead_harness.has(DEAD, 150)


async def test_a_discard_that_cannot_be_told_of_says_how_far_it_came(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await dead_harness.bury(*names(250))
    caplog.set_level(logging.INFO)
    told: list[Any] = []

    async def publish(_publisher: Any, event: Any) -> None:
        told.append(event)
        if len(told) == 2:
            raise PublishTimeout("dead-letter.discarded: not confirmed within 10 s")

    monkeypatch.setattr(discarding.Publisher, "publish", publish)

    outcome = await discard_all(vhost)

    assert (outcome.settled, outcome.problem) == (
        100, "no event was published, so nothing more is deleted: dead-letter.discarded: not confirmed within 10 s",
    )  # fmt: skip
    assert "discarded 100 of 250 messages of email.send.dead, then: no event was published" in caplog.messages[-1]
    await dead_harness.has(DEAD, 150)
