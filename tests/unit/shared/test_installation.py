"""Services are found through their entry points; POSTROOM_SERVICES says which belong to this installation."""

from collections.abc import Callable

import pytest

from postroom import installation, wire
from postroom.broker.management import QueueInfo
from postroom.broker.topology import installation_topology
from postroom.broker.topology.roles import Role, role_of
from postroom.read_ports import TIMELINE
from postroom.wire.errors import ConfigurationError

GARDEN = 'from postroom.service import Service\nservice = Service("garden", worker="garden:worker")\n'

OFFERS_A_TIMELINE = """
from postroom.service import Service

service = Service("garden", worker="garden:worker", read_ports={"timeline": "garden_service:timeline"})

async def timeline(message_id):
    return ["grown"]
"""


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda names: monkeypatch.setenv("POSTROOM_SERVICES", names)


def test_a_service_of_another_distribution_is_found_like_ours(install: Callable[..., None]) -> None:
    install("gardening", "garden = garden_service:service", garden_service=GARDEN)

    names = [service.name for service in installation.installed_services()]

    assert "garden" in names
    assert names == sorted(names)


def test_one_that_cannot_be_imported_is_named_with_its_distribution(install: Callable[..., None]) -> None:
    install("gardening", "garden = garden_service:service", garden_service="import no_such_library")

    with pytest.raises(ConfigurationError, match=r"gardening offers the service garden .*no_such_library"):
        installation.installed_services()


def test_an_entry_point_that_is_no_service_of_that_name_is_refused(install: Callable[..., None]) -> None:
    install("gardening", "orchard = garden_service:service", garden_service=GARDEN)

    with pytest.raises(ConfigurationError, match="no Service of that name"):
        installation.installed_services()


def test_two_distributions_cannot_offer_one_service(install: Callable[..., None]) -> None:
    install("gardening", "garden = garden_service:service", garden_service=GARDEN)
    install("more-gardening", "garden = other_service:service", other_service=GARDEN.replace("garden:", "other:"))

    with pytest.raises(ConfigurationError, match="two distributions offer a service called garden"):
        installation.installed_services()


def test_without_a_choice_all_that_are_installed_belong_to_the_installation(chosen: Callable[[str], None]) -> None:
    chosen("")

    assert installation.services() == installation.all_services() == installation.installed_services()


def test_only_what_is_chosen_has_queues(chosen: Callable[[str], None]) -> None:
    chosen(" email , sms")

    names = installation_topology().queue_names()

    assert {"email.send", "sms.send"} <= set(names)
    assert not {"audit.on.all", "report.generate", wire.ALERTING_QUEUE, "scheduler.set"} & set(names)


def test_the_topology_is_refused_when_a_chosen_service_is_not_installed(chosen: Callable[[str], None]) -> None:
    chosen("email,emial")

    with pytest.raises(ConfigurationError, match="POSTROOM_SERVICES names 'emial', and no such service is installed"):
        installation_topology()


def test_where_only_some_of_the_chosen_are_installed_those_are_the_services_here(
    chosen: Callable[[str], None],
) -> None:
    chosen("email,elsewhere")

    assert [service.name for service in installation.services()] == ["email"]


@pytest.mark.parametrize(
    ("queue", "messages", "role"),
    [
        ("email.send", 0, Role.WORK),
        ("email.send.dead", 0, Role.DEAD),
        ("audit.on.all", 0, Role.FOREIGN),
        ("audit.on.all.dead", 0, Role.FOREIGN),
        ("audit.on.all", 1, Role.WORK),
        ("audit.on.all.dead", 1, Role.DEAD),
        ("unrouted", 0, Role.UNROUTED),
    ],
)
def test_an_empty_queue_of_a_service_that_is_not_chosen_is_nobodys_business(
    chosen: Callable[[str], None], queue: str, messages: int, role: Role
) -> None:
    chosen("email")

    assert role_of(_queue(queue, messages)) is role


def _queue(name: str, messages: int) -> QueueInfo:
    return QueueInfo(
        name=name,
        type="quorum",
        durable=True,
        auto_delete=False,
        exclusive=False,
        arguments={},
        policy=f"postroom.{name}",
        messages=messages,
        consumers=0,
    )


def test_two_services_cannot_offer_one_read_port(install: Callable[..., None]) -> None:
    install("gardening", "garden = garden_service:service", garden_service=OFFERS_A_TIMELINE)

    with pytest.raises(ConfigurationError, match="audit and garden both offer the read port timeline"):
        installation.read_port(TIMELINE)


async def test_the_read_port_of_a_service_of_another_distribution_is_as_good_as_ours(
    install: Callable[..., None], chosen: Callable[[str], None]
) -> None:
    install("gardening", "garden = garden_service:service", garden_service=OFFERS_A_TIMELINE)
    chosen("garden, email")

    timeline = installation.read_port(TIMELINE)

    assert timeline is not None
    assert await timeline("m-1") == ["grown"]


def test_a_read_port_that_nobody_offers_is_none(chosen: Callable[[str], None]) -> None:
    chosen("email")

    assert installation.read_port(TIMELINE) is None
