import asyncio
from datetime import timedelta

import pytest

from postroom.testing import eventually
from postroom.wire.errors import Postponed
from postroom_sms import rate_limit
from postroom_sms.rate_limit import Priority, TextRateLimit


class FakeTime:
    """A clock that runs only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def make_rate_limit(time: FakeTime, per_second: float | None, replicas: int = 1) -> TextRateLimit:
    return TextRateLimit(per_second, lambda: replicas, clock=time.clock, sleep=time.sleep)


@pytest.mark.parametrize(("replicas", "seconds"), [(1, 20), (2, 40), (4, 80)])
async def test_each_process_takes_its_share_of_the_limit(time: FakeTime, replicas: int, seconds: float):
    limit = make_rate_limit(time, 50, replicas)

    await asyncio.gather(*(limit.turn(Priority.BULK) for _ in range(1000)))

    assert time.now - 100 == pytest.approx(seconds, rel=0.02)


async def test_a_pause_is_not_made_up_for_by_a_burst(time: FakeTime):
    limit = make_rate_limit(time, 50)
    await limit.turn(Priority.BULK)
    time.now += 3600
    began = time.now

    await asyncio.gather(*(limit.turn(Priority.BULK) for _ in range(106)))

    assert time.now - began == pytest.approx(2, abs=0.03)  # 6 at once: a tenth of a second's, and one


async def test_an_urgent_text_overtakes_all_that_wait(time: FakeTime):
    limit, order = make_rate_limit(time, 1), []

    async def send(name: str, priority: Priority) -> None:
        await limit.turn(priority)
        order.append(name)

    bulk = [asyncio.create_task(send("bulk", Priority.BULK)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(send("code", Priority.URGENT), *bulk)

    assert order.index("code") <= 1


async def test_a_turn_that_was_not_used_is_the_next_one_s(time: FakeTime):
    limit = make_rate_limit(time, 1)

    for _ in range(10):
        await limit.turn(Priority.BULK)
        limit.give_back()

    assert time.now - 100 < 1.1


async def test_no_limit_means_no_waiting(time: FakeTime):
    limit = make_rate_limit(time, None)

    for _ in range(1000):
        await limit.turn(Priority.BULK)
    limit.give_back()

    assert time.now == 100


async def test_who_would_wait_too_long_comes_again_later(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rate_limit, "LONGEST_WAIT", timedelta(seconds=0.05))
    limit = TextRateLimit(0.0001, lambda: 1)  # the next turn is hours away
    await limit.turn(Priority.BULK)

    with pytest.raises(Postponed) as caught:
        await limit.turn(Priority.BULK)

    assert caught.value.wait == rate_limit.PUT_BACK
    await eventually(lambda: True)


async def test_a_cancelled_text_takes_no_turn(time: FakeTime):
    limit = make_rate_limit(time, 1)
    await limit.turn(Priority.BULK)
    gone = [asyncio.create_task(limit.turn(Priority.BULK)) for _ in range(50)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()

    await limit.turn(Priority.BULK)
    await asyncio.gather(*gone, return_exceptions=True)

    assert time.now - 100 < 3
