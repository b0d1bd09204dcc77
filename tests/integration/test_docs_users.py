"""The table of users in docs/operations.md says what the code makes."""

import re

from postroom import wire
from postroom.broker.topology import build_topology
from postroom.broker.topology.users import build_users
from tests.support.broker_users import installed_subscriptions
from tests.support.documents import document

SUBSCRIPTIONS = installed_subscriptions()
TOPOLOGY = build_topology(SUBSCRIPTIONS)
USERS = {user.role: user for user in build_users(SUBSCRIPTIONS, "postroom-")}
EXCHANGES = {"amq.default", *(exchange.name for exchange in TOPOLOGY.exchanges)}
ROWS = {
    role: cells
    for names, *cells in document("docs/operations.md").rows("## Users of the broker")
    for role in re.findall(r"`([\w-]+)`", names)
}


def matching(pattern: str, names: set[str] | frozenset[str]) -> set[str]:
    return {name for name in names if re.search(pattern, name)}


def test_every_user_is_in_the_table_with_the_exchanges_it_publishes_to_and_its_tags() -> None:
    said = {
        role: (set(re.findall(r"`([\w.-]+)`", cells[0])), set(re.findall(r"`(\w+)`", cells[2])))
        for role, cells in ROWS.items()
    }
    said["operator"][0].discard(wire.UNROUTED)  # for which it may publish to the ladder

    assert said == {role: (matching(user.write, EXCHANGES), set(user.tags)) for role, user in USERS.items()}


def test_for_its_own_queues_only_is_said_of_what_is_narrowed() -> None:
    narrowed = {role: set(re.findall(r"`([\w-]+)`", cells[0].partition(";")[2])) for role, cells in ROWS.items()}
    narrowed["operator"].discard(wire.UNROUTED)

    assert narrowed == {role: set(user.topics) for role, user in USERS.items()}


def test_everybody_reads_what_the_table_says() -> None:
    queues = TOPOLOGY.queue_names()
    own = {role: {each.queue for each in SUBSCRIPTIONS if each.service == role} for role in USERS}
    dead = {queue for queue in queues if queue.endswith(wire.DEAD_SUFFIX)}
    meant = {"its own queues": None, "all `.dead` queues, `unrouted`": dead | {wire.UNROUTED_QUEUE}}

    for role, user in USERS.items():
        words = ROWS[role][1]
        expected = set() if words.startswith("nothing") else meant[words] or own[role]
        assert matching(user.read, queues) == expected, role
