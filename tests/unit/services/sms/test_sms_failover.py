from datetime import timedelta

import pytest

from postroom_sms.errors import GatewayAnswerLost, GatewayThrottled, GatewayUnavailable, TextRefused
from postroom_sms.gateway import Text
from postroom_sms.gateway.failover import Failover
from tests.support.sms_texts import NUMBER, ScriptedGateway

TEXT = Text(NUMBER, "Hello", "job-1")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def first() -> ScriptedGateway:
    return ScriptedGateway("first")


@pytest.fixture
def second() -> ScriptedGateway:
    return ScriptedGateway("second")


@pytest.fixture
def both(first: ScriptedGateway, second: ScriptedGateway, clock: Clock) -> Failover:
    return Failover([first, second], clock=clock)


async def test_the_second_sends_while_the_first_is_away_and_the_first_again_once_it_is_back(
    both: Failover, first: ScriptedGateway, second: ScriptedGateway, clock: Clock
):
    first.script = [GatewayUnavailable("refused")] * 2
    used = []
    for moment in (0, 1, 2.1, 3, 6.2, 6.3):
        clock.now = moment
        used.append((await both.deliver(TEXT)).gateway)

    assert used == ["second", "second", "second", "second", "first", "first"]
    assert first.asked == 4  # at 0, 2.1, 6.2 and 6.3 s: the pause had grown to 4 s


async def test_many_that_fail_together_make_one_pause(both: Failover, first: ScriptedGateway, clock: Clock):
    import asyncio

    first.script = [GatewayUnavailable("refused")] * 50
    await asyncio.gather(*(both.deliver(TEXT) for _ in range(50)))
    first.script.clear()
    clock.now = 2.1

    assert (await both.deliver(TEXT)).gateway == "first"


async def test_all_away_names_each_of_them_and_tries_all_again(
    both: Failover, first: ScriptedGateway, second: ScriptedGateway
):
    first.script, second.script = [GatewayUnavailable("no route")], [GatewayUnavailable("login refused")]

    with pytest.raises(GatewayUnavailable, match="no gateway takes texts; first: no route; second: login refused"):
        await both.deliver(TEXT)

    assert (await both.deliver(TEXT)).gateway == "first"


@pytest.mark.parametrize(
    "error", [GatewayAnswerLost("?"), GatewayThrottled("wait", retry_after=timedelta(seconds=1)), TextRefused("no")]
)
async def test_no_other_answer_leads_to_the_second(
    both: Failover, first: ScriptedGateway, second: ScriptedGateway, error: Exception
):
    first.script = [error]

    with pytest.raises(type(error)):
        await both.deliver(TEXT)

    assert second.asked == 0


async def test_a_lost_answer_says_whose_it_was(both: Failover, first: ScriptedGateway):
    first.script = [GatewayAnswerLost("?")]

    with pytest.raises(GatewayAnswerLost) as caught:
        await both.deliver(TEXT)

    assert caught.value.gateway == "first"


async def test_only_one_gateway_is_asked_when_it_alone_may_be(
    both: Failover, first: ScriptedGateway, second: ScriptedGateway
):
    second.script = [GatewayUnavailable("away")]

    with pytest.raises(GatewayUnavailable):
        await both.deliver(TEXT, only="second")

    assert first.asked == 0


def test_a_reference_is_recognised_by_whom_it_was_given_to(first: ScriptedGateway, second: ScriptedGateway):
    second.knows_references = True

    assert [Failover([first, second]).recognises(name) for name in ("first", "second", None)] == [False, True, False]
    assert Failover([second]).recognises(None)


async def test_the_log_of_a_gateway_that_is_away_has_nobodys_number(
    both: Failover, first: ScriptedGateway, caplog: pytest.LogCaptureFixture
):
    first.script = [GatewayUnavailable(f"503: no route to {NUMBER} now")]

    await both.deliver(TEXT)

    assert "Gateway first takes no texts: 503: no route to" in caplog.text
    assert NUMBER not in caplog.text
