"""`postroom alerts`, on the alerting service's database."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postroom.wire.messages import SchedulerMeasured
from postroom_alerting.monitor.heartbeats import HeartbeatLog
from postroom_alerting.monitor.process_checks import check_schedulers
from tests.support.alert_sinks import serve_http
from tests.support.alerting import make_condition
from tests.support.alerting_harness import AlertingHarness
from tests.support.databases import service_database
from tests.support.processes import postroom


@dataclass
class Shell:
    """The command line, beside an alert log on the same database."""

    harness: AlertingHarness
    environment: dict[str, str]

    async def alerts(self, *arguments: str) -> tuple[int, str]:
        done = await postroom("alerts", *arguments, environment={**self.environment, "COLUMNS": "220"})
        return done.code, done.output

    async def asked(self, *arguments: str) -> Any:
        _code, output = await self.alerts(*arguments, "--json")
        return json.loads(output)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3", "alerting")
    await database.migrate()
    yield Shell(AlertingHarness(database, now=datetime.now(UTC)), {"POSTROOM_DATA_DIR": str(tmp_path)})
    await database.close()


async def test_an_incident_is_listed_muted_unmuted_and_resolved(shell: Shell) -> None:
    failure = await shell.harness.die(message_id="m-1")
    await shell.harness.conditions.observe("broker", [make_condition()], shell.harness.now)
    key = failure.cause.key

    code, table = await shell.alerts("list")
    assert code == 1
    assert all(words in table for words in (key, "RecipientRefused", "queue-without-consumers", "0 → 1/h"))

    asked_at = datetime.now(UTC)
    code, said = await shell.alerts("mute", key, "--for", "2h", "--reason", "known")
    assert (code, "is muted until" in said) == (0, True)
    seen = await shell.asked("show", key)
    assert (seen["state"], seen["muted"]["reason"]) == ("muted", "known")
    until = datetime.fromisoformat(seen["muted"]["until"])
    assert asked_at <= until - timedelta(hours=2) <= datetime.now(UTC)
    assert [message["message_id"] for message in seen["messages"]] == ["m-1"]

    assert (await shell.alerts("unmute", key))[0] == 0
    assert (await shell.alerts("resolve", key))[0] == 0
    assert [each["what"] for each in await shell.asked("list")] == ["queue-without-consumers"]
    everything = await shell.asked("list", "--all")
    assert {each["key"]: each["state"] for each in everything}[key] == "resolved"


async def test_what_cannot_be_done_says_why(shell: Shell) -> None:
    await shell.harness.conditions.observe("broker", [make_condition()], shell.harness.now)
    [condition] = await shell.harness.incidents.all(shell.harness.now)

    assert "no group or condition nonsense" in (await shell.alerts("show", "nonsense"))[1]
    assert "clears by itself" in (await shell.alerts("resolve", condition.key))[1]
    assert (await shell.alerts("mute", condition.key, "--for", "soon"))[0] == 2


async def test_a_condition_that_nobody_sees_any_more_is_resolved_by_hand(shell: Shell) -> None:
    seen_last = shell.harness.now - timedelta(minutes=6)
    await shell.harness.conditions.observe("broker", [make_condition()], seen_last)
    [condition] = await shell.harness.incidents.all(shell.harness.now)

    assert (await shell.alerts("resolve", condition.key))[0] == 0
    assert await shell.asked("list") == []


async def test_a_person_says_that_no_scheduler_shall_run_any_more(shell: Shell) -> None:
    heartbeats, now = HeartbeatLog(shell.harness.database), shell.harness.now
    long_ago = now - timedelta(minutes=5)
    await heartbeats.measured(SchedulerMeasured(instance="s", at=long_ago, late_seconds=0, due=0), long_ago)
    [silent] = check_schedulers(await heartbeats.all(now), now, long_ago, timedelta(minutes=1))
    await shell.harness.conditions.observe(silent.source, silent.conditions, now)
    [condition] = await shell.harness.incidents.all(now)

    assert (await shell.alerts("resolve", condition.key))[0] == 0
    assert await shell.asked("list") == []
    assert await heartbeats.all(now) == []

    await heartbeats.measured(SchedulerMeasured(instance="t", at=now, late_seconds=0, due=0), now)
    assert "clears by itself" in (await shell.alerts("resolve", condition.key))[1]
    assert [each.instance for each in await heartbeats.all(now)] == ["t"]  # it is missed when it is silent


async def test_a_command_that_sends_nothing_needs_no_channels_secret(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("channels: {team: env:TEAM_URL}\nrules: [{queue: email.*, to: [team], severity: critical}]\n")
    shell.environment["ALERTING_RULES"] = str(path)
    failure = await shell.harness.die()

    [listed] = await shell.asked("list")
    assert (listed["key"], listed["severity"]) == (failure.cause.key, "critical")
    assert (await shell.alerts("mute", failure.cause.key, "--for", "1h"))[0] == 0
    assert (await shell.alerts("resolve", failure.cause.key))[0] == 0
    assert "TEAM_URL" in (await shell.alerts("test", "team"))[1]


async def test_a_rules_file_is_checked_and_shows_which_channels_are_notified(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("channels: {team: env:TEAM_URL}\nrules:\n  - queue: email.*\n    to: [team]\n    interval: 1h\n")

    code, said = await shell.alerts("check", str(path), "--queue", "email.send", "--error", "X")
    assert code == 0
    assert "Rule 1: notifies team, every 1:00:00" in said
    assert "Not set here, so their URLs were not looked at: TEAM_URL" in said

    shell.environment["TEAM_URL"] = "nonsense://canary-token"
    code, said = await shell.alerts("check", str(path))
    assert (code, "channel team (nonsense" in said, "canary" in said) == (1, True, False)

    path.write_text("channels: {team: env:TEAM_URL}\nrules:\n  - to: [tema]\n")
    code, said = await shell.alerts("check", str(path))
    assert (code, f"{path}:3: rules.1: there is no channel tema" in said.replace("\n", "")) == (1, True)


async def test_a_channel_is_tried_by_its_name(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("channels: {hook: env:HOOK_URL}\n")
    with serve_http() as sink:
        shell.environment |= {"ALERTING_RULES": str(path), "HOOK_URL": f"json://127.0.0.1:{sink.port}/"}
        assert (await shell.alerts("test", "hook"))[0] == 0
        sink.status = 500
        code, said = await shell.alerts("test", "hook")

    assert [body["title"] for body in sink.bodies] == ["Postroom: a test of this channel"]
    assert (code, "hook did not take the alert" in said) == (2, True)
