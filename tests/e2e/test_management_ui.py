"""An operator replays in RabbitMQ's management UI, in a real browser, with a real service behind the queues.

With POSTROOM_PICTURES=docs/pictures these tests make the pictures of docs/operations.md anew.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from postroom import wire
from postroom.broker.connection import as_user
from postroom.devkit.broker_node import BrokerNode
from postroom.devkit.demo.http_inbox import AlertInbox
from postroom.devkit.mailbox import MailServer
from postroom.testing import eventually
from tests.support.broker_users import Users, users_on
from tests.support.brokers import VirtualHost, virtual_host_on
from tests.support.browser import browser_at, page_in
from tests.support.crash import Place, started
from tests.support.email_harness import DEAD, QUEUE, REFUSED, EmailHarness
from tests.support.http import http_client
from tests.support.management_ui import PICTURES, Login, ManagementUi, are_pictures_wanted
from tests.support.patience import COUNTED, seconds
from tests.support.processes import postroom

MISTYPED = "email.sned"
NOBODY_HERE = ("sms.*", "webhook.*", "report.*", "scheduler.*", "maintenance.*", "audit.*")
ANOTHER = "email.on.user.created"
ROUNDS = 5
PRESSES = 10
LOCAL_SHOVELS_SINCE = (4, 2)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def vhost(broker: BrokerNode) -> Iterator[VirtualHost]:
    """A virtual host for the tests of this module; where pictures are made, one whose names may be shown."""
    with virtual_host_on(broker, "postroom" if are_pictures_wanted() else None) as vhost:
        if are_pictures_wanted():
            httpx.put(
                f"{vhost.management_url}/api/cluster-name", json={"name": "broker"}, auth=(vhost.user, vhost.password)
            ).raise_for_status()
        yield vhost


@pytest.fixture(scope="module")
def users(vhost: VirtualHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """All queues, and the users that `postroom topology apply --users` makes."""
    with users_on(vhost, tmp_path_factory.mktemp("users")) as users:
        yield users


@pytest.fixture(scope="module")
def alerts() -> Iterator[AlertInbox]:
    """Where alerts go."""
    with AlertInbox() as alerts:
        yield alerts


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_email_harness(
    vhost: VirtualHost, users: Users, alerts: AlertInbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EmailHarness]:
    """The e-mail service and alerting, ready, each as its own user."""
    place, folder = Place(vhost.amqp_url, vhost.management_url), tmp_path_factory.mktemp("office")
    data = {"POSTROOM_DATA_DIR": str(folder / "data")}
    watching = {
        **data,
        "POSTROOM_AMQP_URL": users.amqp_url("alerting"),
        "POSTROOM_MANAGEMENT_URL": as_user(vhost.management_url, *users.login("monitoring")),
        "ALERTING_CHANNELS": alerts.channel,
        "ALERTING_IGNORED_QUEUES": ",".join(NOBODY_HERE),
    }
    async with MailServer() as server:
        own = {**data, "POSTROOM_AMQP_URL": users.amqp_url("email"), "EMAIL_SMTP_URL": server.url}
        with (
            started("postroom_email", own, folder, 1) as [service],
            started("postroom_alerting", watching, folder, 1) as [alerting],
        ):
            await service.ready()
            await alerting.ready()
            yield EmailHarness(place, service, server)


@pytest_asyncio.fixture(loop_scope="module")
async def email_harness(running_email_harness: EmailHarness) -> EmailHarness:
    """The e-mail service, without dead letters."""
    await running_email_harness.place.take_all(DEAD)
    return running_email_harness


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser."""
    async with browser_at(chromium) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def ui(browser: Browser, vhost: VirtualHost, users: Users, tmp_path: Path) -> AsyncIterator[ManagementUi]:
    """The management UI, with the operator logged in."""
    async with page_in(browser) as page:
        ui = ManagementUi(page, vhost.management_url, Path(os.environ.get(PICTURES, tmp_path)))
        await ui.log_in(Login(*users.login("operator")), picture="login")
        yield ui


async def test_what_an_operator_moves_comes_back_with_its_count_as_long_as_it_fails_and_then_all_of_it_is_done(
    ui: ManagementUi, email_harness: EmailHarness
) -> None:
    died_before = await email_harness.counted("dead")
    await email_harness.bury("ada")
    await ui.shows_ready(DEAD, 1, picture="dead-queue")

    for number in range(1, ROUNDS + 1):
        picture = "move-messages" if number == 1 else ""
        await move_all(ui, email_harness.place, DEAD, QUEUE, picture)
        await email_harness.has_dead(ada=number)
        [shown] = await ui.get_messages(DEAD, picture="came-back" if number == ROUNDS else "")
        assert header_in(shown, wire.X_REPLAYS) == str(number)
        assert REFUSED in shown
    assert await email_harness.counted("dead") == died_before + 1 + ROUNDS

    await email_harness.bury("ben", "eve")
    email_harness.server.repair_all()
    await move_all(ui, email_harness.place, DEAD, QUEUE)
    await email_harness.has_sent_once("ada", "ben", "eve")
    await ui.shows_ready(DEAD, 0)
    await email_harness.has_dead()


async def test_one_message_out_of_many_is_published_again_from_what_the_page_shows_and_is_done_once(
    ui: ManagementUi, email_harness: EmailHarness
) -> None:
    duplicates_before = await email_harness.counted("duplicate")
    await email_harness.bury("fay", "gus", "hal")
    email_harness.server.repair_all()

    shown = await ui.get_messages(DEAD, 3)
    assert [header_in(each, "message_id") for each in shown] == ["fay-1", "gus-1", "hal-1"]
    headers = {wire.X_FAILED_AT: header_in(shown[1], wire.X_FAILED_AT)}
    await ui.publish(QUEUE, payload_in(shown[1]), {"message_id": "gus-1"}, headers, picture="publish-one")
    await email_harness.has_sent_once("gus")
    await email_harness.has_dead(fay=0, gus=0, hal=0)
    assert not email_harness.server.mails_to("fay@example.com")

    await move_all(ui, email_harness.place, DEAD, QUEUE)
    await email_harness.has_sent_once("fay", "hal")
    await email_harness.has_dead()
    await email_harness.has_counted("duplicate", duplicates_before + 1)
    await email_harness.has_sent_once("gus")


async def test_some_are_moved_by_their_number_where_the_broker_has_local_shovels(
    ui: ManagementUi, email_harness: EmailHarness, broker: BrokerNode, vhost: VirtualHost
) -> None:
    if tuple(int(number) for number in broker.version.split(".")[:2]) < LOCAL_SHOVELS_SINCE:
        section = await ui.open_new_shovel()
        assert "Local" not in await section.locator("[name=src-protocol-selector]").inner_text()
        return
    await email_harness.bury("ivy", "jon", "kim")
    email_harness.server.repair_all()

    await ui.move_first(2, DEAD, QUEUE, uri=f"amqp:///{vhost.name}", picture="move-some")

    await email_harness.has_sent_once("ivy", "jon")
    await email_harness.has_dead(kim=0)


async def test_messages_moved_to_a_mistyped_queue_are_told_of_and_moved_on_from_there(
    ui: ManagementUi, email_harness: EmailHarness, vhost: VirtualHost, alerts: AlertInbox
) -> None:
    await email_harness.bury("lea", "max")
    email_harness.server.repair_all()

    await move_all(ui, email_harness.place, DEAD, MISTYPED)
    await email_harness.has_dead()
    alert = await alerts.wait_for(f"{MISTYPED}: queue-undeclared", seconds(COUNTED))
    assert QUEUE in alert["message"]
    await eventually(lambda: check_names(email_harness.place, MISTYPED))
    await ui.shows_ready(MISTYPED, 2, picture="mistyped-queue")
    assert not email_harness.server.mails_to("lea@example.com")

    await move_all(ui, email_harness.place, MISTYPED, QUEUE)
    await email_harness.has_sent_once("lea", "max")
    await email_harness.has_dead()

    assert await email_harness.place.look(MISTYPED) == []
    assert (await ui.delete_queue(MISTYPED)).status == httpx.codes.UNAUTHORIZED
    await ui.log_in_again(Login(vhost.user, vhost.password))
    assert (await ui.delete_queue(MISTYPED)).ok
    await ui.lists_no(MISTYPED)


async def test_messages_moved_to_another_kinds_queue_die_there_and_are_moved_on_from_there(
    ui: ManagementUi, email_harness: EmailHarness
) -> None:
    await email_harness.bury("ned")
    email_harness.server.repair_all()

    await move_all(ui, email_harness.place, DEAD, ANOTHER)
    await email_harness.has_dead()
    [shown] = await ui.get_messages(wire.dead_queue(ANOTHER))
    assert header_in(shown, wire.X_ERROR_TYPE) == "InvalidMessage"

    await move_all(ui, email_harness.place, wire.dead_queue(ANOTHER), QUEUE)
    await email_harness.has_sent_once("ned")
    assert await email_harness.place.look(wire.dead_queue(ANOTHER)) == []
    await email_harness.has_dead()


async def move_all(ui: ManagementUi, place: Place, source: str, destination: str, picture: str = "") -> None:
    """Press the button, and again where the shovel is gone without having moved anything, as an operator does.

    A busy broker that cannot count within 250 ms takes a quorum queue for empty (`rabbit_quorum_queue:stat`), and the
    form's shovel then removes itself.
    """
    before = await lying_in(place, source)
    for _ in range(PRESSES):
        await ui.move_messages(source, destination, picture)
        await eventually(lambda: is_without_shovel(place), within=COUNTED)
        if not before & await lying_in(place, source):
            return
    pytest.fail(f"{PRESSES} shovels moved nothing from {source}")


async def lying_in(place: Place, queue: str) -> set[tuple[str, str]]:
    """What lies there: which message, and of which death. One that was moved and died again is another one."""
    return {(str(each.message_id), str(each.headers.get(wire.X_FAILED_AT))) for each in await place.look(queue)}


async def is_without_shovel(place: Place) -> bool:
    """Whether the shovel that was asked for has ended, which removes it."""
    name = urlsplit(place.amqp_url).path[1:]
    async with http_client(auth=("guest", "guest")) as api:
        answer = await api.get(f"{place.management_url}/api/parameters/shovel/{name}")
    return answer.status_code == httpx.codes.NOT_FOUND or answer.json() == []


async def check_names(place: Place, queue: str) -> bool:
    """Whether `postroom topology check` names this queue."""
    check = await postroom("topology", "check", "--static", environment=place.environment)
    return queue in check.output


def header_in(shown: str, name: str) -> str:
    """A header's or property's value in a message as the page shows it."""
    return shown.partition(f"{name}:")[2].strip().split("\n")[0].strip()


def payload_in(shown: str) -> str:
    """The body of a message as the page shows it."""
    return shown[shown.index("{") :].strip()
