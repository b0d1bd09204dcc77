"""Who may do what at the broker, as data."""

import re

import pytest

from postroom import wire
from postroom.broker.topology import walk_key
from postroom.broker.topology.ladder import LONGEST_WAIT
from postroom.broker.topology.users import NOTHING, BrokerUser, build_users, user_prefix
from postroom.installation import workers
from postroom.wire.errors import ConfigurationError
from postroom.worker import Worker
from postroom.worker.registration import Subscription

INSTALLED = [each for worker in workers() for each in worker.subscriptions.values()]


def users(subscriptions: list[Subscription]) -> dict[str, BrokerUser]:
    return {user.role: user for user in build_users(subscriptions, "postroom-")}


def test_each_service_has_a_user_beside_those_of_people(subscriptions: list[Subscription]) -> None:
    assert {role: user.name for role, user in users(subscriptions).items()} == {
        "email": "postroom-email",
        "publisher": "postroom-publisher",
        "operator": "postroom-operator",
        "monitoring": "postroom-monitoring",
    }


def test_nobody_configures() -> None:
    assert {user.configure for user in users(INSTALLED).values()} == {NOTHING}


def test_a_service_reads_its_own_queues_to_the_letter(subscriptions: list[Subscription]) -> None:
    reads = users(subscriptions)["email"].read

    assert [queue for queue in ("email.send", "email.on.user.created") if re.search(reads, queue)] == [
        "email.send",
        "email.on.user.created",
    ]
    for queue in ("email.send.dead", "emailXsend", "email.sender", "my.email.send", "sms.send"):
        assert not re.search(reads, queue), queue


def test_a_service_may_only_wait_for_and_bury_into_its_own_queues(subscriptions: list[Subscription]) -> None:
    topics = users(subscriptions)["email"].topics

    assert re.search(topics[wire.DELAY], walk_key(LONGEST_WAIT, "email.send"))
    assert not re.search(topics[wire.DELAY], walk_key(LONGEST_WAIT, "sms.send"))
    assert not re.search(topics[wire.DELAY], "email.send")
    assert re.search(topics[wire.DEAD_LETTERS], "email.send")
    assert not re.search(topics[wire.DEAD_LETTERS], "sms.send")


def test_who_watches_starts_no_work_and_alerting_never_tells_itself_of_its_death() -> None:
    by_role = users(INSTALLED)

    assert re.search(by_role["report"].write, wire.JOBS)
    for watcher in ("audit", "alerting"):
        assert not re.search(by_role[watcher].write, wire.JOBS), watcher
        assert re.search(by_role[watcher].write, wire.EVENTS), watcher
    assert not re.search(by_role["alerting"].topics.get(wire.DEAD_LETTERS, NOTHING), wire.ALERTING_QUEUE)


def test_two_installations_on_one_broker_have_users_of_different_names() -> None:
    assert user_prefix("/") == "postroom-"
    assert user_prefix("staging") == "staging-"


def test_a_service_cannot_be_called_like_a_person() -> None:
    worker = Worker("operator")

    @worker.consumes("operator.work")
    async def work(_delivery: object) -> None: ...

    with pytest.raises(ConfigurationError, match="operator cannot be a service's name"):
        users(list(worker.subscriptions.values()))
