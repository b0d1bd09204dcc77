"""`postroom topology` on the command line, with the services that are installed."""

import json

import pytest
from typer.testing import CliRunner

from postroom.broker.management import Management
from postroom.operator.cli import app
from tests.support.brokers import VirtualHost
from tests.support.patience import REACTION, seconds


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, vhost: VirtualHost) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)


def test_apply_then_check_ends_well(environment: None) -> None:
    run = CliRunner().invoke

    check = ["topology", "check", "--json", "--within", str(seconds(REACTION))]

    before = run(app, check)
    applied = run(app, ["topology", "apply", "--json"])
    again = run(app, ["topology", "apply"])
    after = run(app, check)

    assert before.exit_code == 1
    assert {proof["outcome"] for proof in json.loads(before.stdout)["proofs"]} == {"not proven"}
    assert applied.exit_code == again.exit_code == after.exit_code == 0
    assert json.loads(applied.stdout)["changes"]
    assert "nothing to change" in again.stdout
    answer = json.loads(after.stdout)
    assert answer["ok"] is True
    assert answer["problems"] == []
    assert {proof["outcome"] for proof in answer["proofs"]} == {"proven"}


def test_a_conflict_shows_in_the_exit_code(environment: None, management: Management) -> None:
    management.create_queue("alerting", {})

    result = CliRunner().invoke(app, ["topology", "apply"])

    assert result.exit_code == 1
    assert "queue alerting is classic, wanted is quorum" in result.stderr


def test_an_exported_file_is_what_apply_makes(
    environment: None, management: Management, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("export") / "definitions.json"
    run = CliRunner().invoke
    version = management.version()

    exported = run(app, ["topology", "export", "--output", str(file), "--broker-version", version])
    management.import_definitions(json.loads(file.read_text()))

    assert exported.exit_code == 0
    assert run(app, ["topology", "check", "--static"]).exit_code == 0
    assert "nothing to change" in run(app, ["topology", "apply"]).stdout
