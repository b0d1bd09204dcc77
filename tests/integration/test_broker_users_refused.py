"""What the users of the broker must not do: each thing is tried, refused by the broker, and works for others."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from postroom.broker.connection import as_user
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.broker.topology.parts import major
from postroom.devkit.broker_node import BrokerNode
from tests.support.attempts import (
    Attempt,
    Caller,
    Refused,
    binds,
    binds_exchange,
    consumes,
    declares,
    declares_exchange,
    deletes,
    deletes_exchange,
    gets,
    over_amqp,
    over_http,
    publishes,
    purges,
    unbinds,
)
from tests.support.broker_users import Users, installed_subscriptions, users_on
from tests.support.brokers import virtual_host_on

# Users are the broker's, not the virtual host's: another process that runs these tests has an intruder of its own.
INTRUDER, DROPPING = f"test-intruder-{os.getpid()}", "test-drop"
ONE_SECOND = "0." * 19 + "1."
ENTERS = over_amqp("opens a channel", lambda channel: channel.set_qos(1))
LOGS_IN = over_http("asks the management API who it is", "GET", "/whoami")
READS_DEFINITIONS = over_http("reads the definitions with all hashes", "GET", "/definitions")
READS_USERS = over_http("reads the list of users", "GET", "/users")
READS_PERMISSIONS = over_http("reads permissions", "GET", "/vhosts/{vhost}/permissions")
MAKES_ITSELF_ADMINISTRATOR = over_http(
    "makes an administrator",
    "PUT",
    f"/users/{INTRUDER}",
    {"password": "secret", "tags": "administrator"},
    spoils=True,
)
GETS_OVER_HTTP = over_http(
    "gets a message over HTTP",
    "POST",
    "/queues/{vhost}/email.send/get",
    {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"},
)
PURGES_OVER_HTTP = over_http("purges email.send over HTTP", "DELETE", "/queues/{vhost}/email.send/contents")
DELETES_OVER_HTTP = over_http("deletes a queue over HTTP", "DELETE", "/queues/{vhost}/email.send", spoils=True)
DECLARES_OVER_HTTP = over_http(
    "declares a queue over HTTP", "PUT", "/queues/{vhost}/mine", {"durable": True}, spoils=True
)
PUBLISHES_OVER_HTTP = over_http(
    "publishes over HTTP",
    "POST",
    "/exchanges/{vhost}/jobs/publish",
    {"routing_key": "email.send", "properties": {}, "payload": "{}", "payload_encoding": "string"},
)
SETS_A_POLICY = over_http(
    "sets a policy that drops messages",
    "PUT",
    f"/policies/{{vhost}}/{DROPPING}",
    {"pattern": "^email", "definition": {"message-ttl": 1}, "priority": 0, "apply-to": "queues"},
    spoils=True,
)

REFUSED: dict[str, list[Attempt]] = {
    "publisher": [
        publishes("", "email.send"),
        publishes("dead-letters", "email.send"),
        publishes("delay", f"{ONE_SECOND}email.send"),
        publishes("unrouted", "email.send"),
        gets("email.send"),
        consumes("email.send.dead"),
        purges("email.send"),
        declares("email.send.mine"),
        deletes("email.send"),
        binds("email.send", "events", "#"),
        LOGS_IN,
    ],
    "email": [
        publishes("", "sms.send"),
        publishes("unrouted", "email.send"),
        publishes("delay.due", "email.send"),
        publishes("delay", f"{ONE_SECOND}sms.send"),
        publishes("delay", "email.send"),
        publishes("delay", f"{ONE_SECOND}email.sendmail"),
        publishes("dead-letters", "sms.send"),
        publishes("dead-letters", "emailXsend"),
        gets("email.send.dead"),
        gets("sms.send"),
        gets("alerting"),
        gets("unrouted"),
        gets("delay.1s"),
        consumes("audit.on.all"),
        purges("email.send.dead"),
        purges("webhook.deliver"),
        declares("email.new"),
        declares("email.sink", **{"x-dead-letter-exchange": "jobs"}),
        declares_exchange("mails"),
        deletes("email.send"),
        deletes_exchange("jobs"),
        binds("email.send", "events", "#"),
        unbinds("email.send", "jobs", "email.send"),
        binds_exchange("events", "jobs"),
        LOGS_IN,
        PUBLISHES_OVER_HTTP,
        SETS_A_POLICY,
    ],
    "sms": [
        consumes("email.send"),
        publishes("delay", f"{ONE_SECOND}email.send"),
        publishes("dead-letters", "email.send"),
        purges("sms.send.dead"),
        LOGS_IN,
    ],
    "webhook": [
        gets("sms.send"),
        publishes("dead-letters", "webhook.deliver.dead"),
        unbinds("webhook.sync", "jobs", "webhook.sync"),
    ],
    "report": [gets("email.on.user.created"), publishes("delay", f"{ONE_SECOND}email.send"), declares("report.mine")],
    "scheduler": [
        gets("email.send"),
        publishes("dead-letters", "email.send"),
        publishes("", "maintenance.clean"),
        deletes("scheduler.defer"),
    ],
    "maintenance": [
        gets("report.generate"),
        purges("maintenance.clean.dead"),
        publishes("delay", f"{ONE_SECOND}report.generate"),
    ],
    "audit": [
        publishes("jobs", "email.send"),
        publishes("dead-letters", "email.send"),
        gets("email.on.user.created"),
        binds("audit.on.all", "dead-letters", "#"),
    ],
    "alerting": [
        publishes("jobs", "email.send"),
        publishes("dead-letters", "email.send"),
        publishes("dead-letters", "alerting"),
        gets("email.send"),
        gets("email.send.dead"),
        purges("alerting.dead"),
    ],
    "operator": [
        publishes("dead-letters", "email.send"),
        publishes("delay", f"{ONE_SECOND}email.send"),
        gets("email.send"),
        consumes("alerting"),
        purges("sms.send"),
        declares("mine"),
        deletes("email.send.dead"),
        binds("email.send", "jobs", "sms.send"),
        READS_USERS,
        READS_DEFINITIONS,
        READS_PERMISSIONS,
        MAKES_ITSELF_ADMINISTRATOR,
        GETS_OVER_HTTP,
        PURGES_OVER_HTTP,
        DELETES_OVER_HTTP,
        DECLARES_OVER_HTTP,
    ],
    "monitoring": [
        publishes("jobs", "email.send"),
        publishes("events", "user.created"),
        gets("email.send"),
        declares("mine"),
        READS_USERS,
        READS_DEFINITIONS,
        MAKES_ITSELF_ADMINISTRATOR,
        GETS_OVER_HTTP,
        PURGES_OVER_HTTP,
        DELETES_OVER_HTTP,
        PUBLISHES_OVER_HTTP,
        SETS_A_POLICY,
    ],
}
ALL = [(role, attempt) for role, attempts in REFUSED.items() for attempt in attempts]


@pytest.fixture(scope="module")
def users(broker: BrokerNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """A virtual host with the topology and the users of all services."""
    with virtual_host_on(broker) as vhost, users_on(vhost, tmp_path_factory.mktemp("users")) as users:
        yield users


@pytest.fixture
def administrator(users: Users) -> Caller:
    """Who may do everything."""
    vhost = users.vhost
    return Caller(vhost.amqp_url, vhost.management_url, (vhost.user, vhost.password), vhost.name)


def repair(users: Users) -> None:
    """Bring back what an administrator's attempt took away, and remove what it made."""
    with users.administrator() as management:
        there = {queue.name for queue in management.queues()}
        for queue in there & {"mine", "email.new", "email.sink", "email.send.mine", "report.mine"}:
            management.delete_queue(queue)
        if INTRUDER in {user.name for user in management.users()}:
            management.delete_user(INTRUDER)
        if DROPPING in {policy.name for policy in management.policies()}:
            management.delete_policy(DROPPING)
        apply_topology(build_topology(installed_subscriptions()), management, prune=True)


def caller_of(users: Users, role: str) -> Caller:
    """That user."""
    vhost = users.vhost
    return Caller(users.amqp_url(role), vhost.management_url, users.login(role), vhost.name)


def test_at_least_forty_things_are_refused_to_a_service() -> None:
    services = [(role, attempt.words) for role, attempt in ALL if role not in ("publisher", "operator", "monitoring")]

    assert len(set(services)) >= 40
    assert len(set(services)) == len(services)


def test_every_user_is_refused_something(users: Users) -> None:
    assert REFUSED.keys() == users.by_role.keys()


@pytest.mark.parametrize(("role", "attempt"), ALL, ids=[f"{role} {attempt}" for role, attempt in ALL])
async def test_it_is_refused_and_works_for_an_administrator(
    users: Users, administrator: Caller, role: str, attempt: Attempt
) -> None:
    with pytest.raises(Refused):
        await attempt.act(caller_of(users, role))

    try:
        await attempt.act(administrator)
    finally:
        if attempt.spoils:
            repair(users)


@pytest.mark.parametrize("role", ["publisher", "email", "operator"])
async def test_a_user_is_not_let_into_another_virtual_host(users: Users, broker: BrokerNode, role: str) -> None:
    at_home, elsewhere = caller_of(users, role), as_user(broker.amqp_url, *users.login(role))

    await ENTERS.act(at_home)
    with pytest.raises(Refused):
        await ENTERS.act(replace(at_home, amqp_url=elsewhere))


async def test_a_wrong_password_is_refused(users: Users) -> None:
    caller = caller_of(users, "email")
    wrong = as_user(caller.amqp_url, caller.login[0], "wrong")

    with pytest.raises(Refused):
        await ENTERS.act(replace(caller, amqp_url=wrong))


async def test_copies_asked_for_by_header_are_narrowed_from_rabbitmq_4_on(users: Users, broker: BrokerNode) -> None:
    copied = publishes("dead-letters", "email.send", {"CC": ["sms.send"]})

    if major(broker.version) >= 4:
        with pytest.raises(Refused):
            await copied.act(caller_of(users, "email"))
    else:  # as docs/operations.md tells
        await copied.act(caller_of(users, "email"))
