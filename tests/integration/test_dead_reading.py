"""Dead letters are read and given back; a broker that cannot be reached is named without its password."""

from collections import Counter
from typing import Any

import pytest

from postroom.operator.dead_letters import (
    connect,
    read_letters,
    summarize,
)
from postroom.wire.errors import BrokerUnavailable
from tests.support.dead_letters import DEAD, TARGET, DeadLetterHarness, names


async def test_reading_gives_everything_back(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(500))

    async with connect(vhost.amqp_url) as connection:
        seen = [found.id async for found in read_letters(connection, TARGET, 300)]
        summary = await summarize(connection, TARGET, 400)

    assert (len(seen), summary.waiting, summary.examined) == (300, 500, 400)
    assert Counter(await dead_harness.ids(DEAD)) == Counter(names(500))


async def test_looking_again_and_again_drops_nothing(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury("m-1")

    async with connect(vhost.amqp_url) as connection:
        for _ in range(30):  # brokers from 4.0 on drop after 20 deliveries, unless a message is given back properly
            assert [found.id async for found in read_letters(connection, TARGET, 10)] == ["m-1"]
            await dead_harness.has(DEAD, 1)


async def test_a_broker_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(BrokerUnavailable, match=r"no broker at amqp://127\.0\.0\.1:1/x") as error:
        async with connect("amqp://user:canary@127.0.0.1:1/x"):
            pass

    assert "canary" not in str(error.value)


async def test_a_wrong_password_and_a_wrong_virtual_host_are_named(vhost: Any) -> None:
    wrong_password = vhost.amqp_url.replace(f":{vhost.password}@", ":canary@")
    with pytest.raises(BrokerUnavailable, match="user or its password"):
        async with connect(wrong_password):
            pass
    with pytest.raises(BrokerUnavailable, match="virtual host"):
        async with connect(vhost.amqp_url + "-absent"):
            pass
