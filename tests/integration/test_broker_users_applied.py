"""`postroom topology apply --users`: users are made, kept as they should be, given new passwords, never shown."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.exceptions import ProbableAuthenticationError
from click.testing import Result
from typer.testing import CliRunner

from postroom.broker.connection import as_user
from postroom.broker.management import PermissionInfo, TopicPermissionInfo, UserInfo
from postroom.broker.topology.passwords import password_hash
from postroom.devkit.broker_node import BrokerNode
from postroom.operator.cli import app
from postroom.operator.cli.broker_users import FILE_NAME, users_of_node
from tests.support.broker_users import administrator_of
from tests.support.brokers import VirtualHost

CANARY = "canary-password"


@pytest.fixture
def file(vhost: VirtualHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the passwords are to be; the virtual host is that of the environment."""
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)
    yield tmp_path / FILE_NAME
    with administrator_of(vhost) as management:
        for user in management.users():
            if user.name.startswith(vhost.name):
                management.delete_user(user.name)


def postroom(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def changes(result: Result) -> list[tuple[str, str, str]]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["changes"]
    about_users = ("user", "permission", "topic permission")
    return [(each["action"], each["kind"], each["name"]) for each in found if each["kind"] in about_users]


def lets_in(vhost: VirtualHost, user: str, password: str) -> bool:
    async def enter() -> None:
        async with await aio_pika.connect(as_user(vhost.amqp_url, user, password)):
            pass

    try:
        asyncio.run(enter())
    except ProbableAuthenticationError:
        return False
    return True


def test_users_are_made_once_corrected_and_given_new_passwords_and_no_password_is_ever_shown(
    vhost: VirtualHost, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    email, sms = f"{vhost.name}-email", f"{vhost.name}-sms"
    file.write_text(json.dumps({email: CANARY}))
    apply = ("topology", "apply", "--users", str(file))
    said = []

    said.append(first := postroom(*apply, "--json"))
    made = changes(first)
    assert ("created", "user", email) in made
    assert ("set", "permission", sms) in made
    assert lets_in(vhost, email, CANARY)
    passwords = json.loads(file.read_text())
    assert passwords[email] == CANARY
    assert lets_in(vhost, sms, passwords[sms])

    said.append(second := postroom(*apply, "--json"))
    assert changes(second) == []
    assert json.loads(file.read_text()) == passwords

    with administrator_of(vhost) as management:
        management.put_permission(PermissionInfo(sms, ".*", ".*", ".*"))
        management.put_topic_permission(TopicPermissionInfo(sms, "dead-letters", ".*", ".*"))
        management.put_user(UserInfo(email, ("administrator",), password_hash("somebody else's")))
    said.append(third := postroom(*apply, "--json"))
    assert sorted(changes(third)) == [
        ("changed", "user", email),
        ("set", "permission", sms),
        ("set", "topic permission", f"{sms} on dead-letters"),
    ]
    assert lets_in(vhost, email, CANARY)

    said.append(postroom(*apply, "--rotate"))
    renewed = json.loads(file.read_text())
    assert renewed.keys() == passwords.keys()
    assert not set(renewed.values()) & set(passwords.values())
    assert not lets_in(vhost, email, CANARY)
    assert lets_in(vhost, email, renewed[email])

    said.append(postroom("topology", "export", "--users", str(file)))
    shown = caplog.text + "".join(result.output for result in said)
    assert [word for word in (*passwords.values(), *renewed.values()) if word in shown] == []


def test_a_user_that_is_there_already_is_not_taken_over(vhost: VirtualHost, file: Path) -> None:
    with administrator_of(vhost) as management:
        management.put_user(UserInfo(f"{vhost.name}-email", ("administrator",), password_hash(CANARY)))

    refused = postroom("topology", "apply", "--users", str(file))
    elsewhere = postroom("topology", "apply", "--users", str(file), "--user-prefix", f"{vhost.name}-2-", "--json")

    assert refused.exit_code == 2
    assert f"the broker has {vhost.name}-email already" in refused.output
    assert ("created", "user", f"{vhost.name}-2-email") in changes(elsewhere)
    with administrator_of(vhost) as management:
        names = [user.name for user in management.users()]
    assert f"{vhost.name}-sms" not in names


def test_who_is_no_administrator_is_told_what_is_missing(
    vhost: VirtualHost, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{vhost.name}-deployer"
    with administrator_of(vhost) as management:
        management.put_user(UserInfo(name, ("policymaker",), password_hash(CANARY)))
        management.put_permission(PermissionInfo(name, ".*", ".*", ".*"))
    monkeypatch.setenv("POSTROOM_AMQP_URL", as_user(vhost.amqp_url, name, CANARY))

    alone, with_users = postroom("topology", "apply"), postroom("topology", "apply", "--users", str(file))

    assert alone.exit_code == 0, alone.output
    assert with_users.exit_code == 3
    assert f"rabbitmqctl set_user_tags {name} administrator" in with_users.output
    assert not file.exists()


def test_an_exported_file_makes_the_same_users(vhost: VirtualHost, file: Path, tmp_path: Path) -> None:
    exported = tmp_path / "definitions.json"
    made = postroom("topology", "export", "--users", str(file), "-o", str(exported), "--broker-version", "3.10")
    assert made.exit_code == 0, made.output
    with administrator_of(vhost) as management:
        management.import_definitions(json.loads(exported.read_text()))

    assert changes(postroom("topology", "apply", "--users", str(file), "--json")) == []
    assert lets_in(vhost, f"{vhost.name}-email", json.loads(file.read_text())[f"{vhost.name}-email"])


def test_options_about_users_need_the_file() -> None:
    assert postroom("topology", "apply", "--rotate").exit_code == 2


def test_services_of_a_given_broker_have_their_own_user_or_share_the_given_one_and_say_so(
    vhost: VirtualHost, file: Path
) -> None:
    assert postroom("topology", "apply").exit_code == 0
    given = BrokerNode(vhost.amqp_url, vhost.management_url, "", "POSTROOM_AMQP_URL")
    limited = f"{vhost.name}-limited"
    with administrator_of(vhost) as management:
        management.put_user(UserInfo(limited, ("management",), password_hash(CANARY)))
        management.put_permission(PermissionInfo(limited, ".*", ".*", ".*"))
    poor = BrokerNode(as_user(vhost.amqp_url, limited, CANARY), vhost.management_url, "", "POSTROOM_AMQP_URL")
    notes: list[str] = []

    of_service = users_of_node(given, file.parent, notes.append)
    assert notes == []
    assert f"//{vhost.name}-email:" in of_service["email"]["POSTROOM_AMQP_URL"]
    assert of_service["email"]["POSTROOM_MANAGEMENT_URL"] == ""
    assert f"//{vhost.name}-monitoring:" in of_service["alerting"]["POSTROOM_MANAGEMENT_URL"]

    assert users_of_node(poor, file.parent, notes.append) == {}
    [note] = notes
    assert note.startswith("all services use the user of POSTROOM_AMQP_URL")
    assert CANARY not in note
