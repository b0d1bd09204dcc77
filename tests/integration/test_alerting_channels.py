"""What each kind of channel gets, at real HTTP and SMTP servers."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from postroom import wire
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.intake.dead_letters import read_failure
from postroom_alerting.notify.channels import AppriseNotifier
from postroom_alerting.notify.notifications import Reason
from postroom_alerting.notify.notifier import Notification, NotificationFailed
from postroom_alerting.notify.wording import Links, render_notification
from tests.support.alert_sinks import HttpSink, MailSink, serve_http, serve_mail
from tests.support.alerting import make_dead_delivery, make_due, make_incident, make_update
from tests.support.alerting_harness import AlertingHarness
from tests.support.databases import service_database

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")

CANARY = "canary-4711-token"
ADDRESS, NUMBER = "ada.lovelace@example.com", "+4915112345678"
LINKS = Links("https://mq.example.com", "/", "https://wiki.example.com/{error}")
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7aa"
PAGER = "pagerduty://12345678901234567890123456789012@abcdefghijklmnopqrst"
KEY = "8104064110"
SERIOUS = replace(make_incident(), severity=IncidentSeverity.CRITICAL)


@pytest.fixture
def http_sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    """Stands for Slack, PagerDuty and Teams, whose addresses are fixed."""
    import requests
    from apprise.plugins import pagerduty, slack

    with serve_http() as sink:
        here = f"http://127.0.0.1:{sink.port}"
        post = requests.post
        monkeypatch.setattr(slack.NotifySlack, "webhook_url", f"{here}/slack")
        for region in pagerduty.PAGERDUTY_API_LOOKUP:
            monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, region, f"{here}/pagerduty")
        monkeypatch.setattr(
            requests, "post", lambda url, **given: post(url.replace("https://teams.invalid", here), **given)
        )
        yield sink


@pytest.fixture
def mail_sink() -> Iterator[tuple[MailSink, int]]:
    with serve_mail() as sink_and_port:
        yield sink_and_port


@dataclass
class Far:
    """A channel, and all that arrived at its far side."""

    notifier: AppriseNotifier
    arrived: Callable[[], list[Any]]


@pytest.fixture(params=["slack", "teams", "pagerduty", "json", "mail"])
def far(request: pytest.FixtureRequest) -> Far:
    if request.param == "mail":
        mails, port = request.getfixturevalue("mail_sink")
        url = f"mailto://127.0.0.1:{port}/ops@example.com?from=alerts@example.com&mode=insecure"
        return Far(AppriseNotifier(url), lambda: mails.whole)
    sink: HttpSink = request.getfixturevalue("http_sink")
    urls = {
        "slack": SLACK,
        "teams": f"workflows://teams.invalid/{CANARY}/{CANARY}/",
        "pagerduty": PAGER,
        "json": f"json://127.0.0.1:{sink.port}/",
    }
    return Far(AppriseNotifier(urls[request.param]), lambda: sink.bodies)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[AlertingHarness]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3", "alerting")
    await database.migrate()
    yield AlertingHarness(database)
    await database.close()


async def make_notice(harness: AlertingHarness) -> Notification:
    """The notification of a dead letter whose error and body say too much."""
    error = f"{ADDRESS}: 550 no <such> user `x` *y*, {NUMBER}, smtp://me:{CANARY}@mail.example.com"
    body = json.dumps({"to": ADDRESS, "password": CANARY, "phone": NUMBER}).encode()
    failure = read_failure(make_dead_delivery(body=body, headers={wire.X_ERROR: error}))
    assert failure is not None
    await harness.failures.record(failure)
    alert = await harness.claim()
    assert alert is not None
    return render_notification(alert, LINKS)


async def test_no_secret_and_no_whole_address_arrives_anywhere(far: Far, harness: AlertingHarness) -> None:
    await far.notifier.notify(await make_notice(harness))

    [arrived] = far.arrived()
    text = json.dumps(arrived, ensure_ascii=False)
    assert "RecipientRefused" in text
    assert "https://mq.example.com/#/queues/%2F/email.send.dead" in text
    for hidden in (CANARY, ADDRESS, NUMBER, "ada.lovelace"):
        assert hidden not in text


async def test_every_channel_takes_a_notification_for_every_reason(far: Far) -> None:
    for reason in Reason:
        updates = (make_update(reason=reason),) if reason is not Reason.DIGEST else (make_update(), make_update())
        await far.notifier.notify(render_notification(make_due(*updates), LINKS))

    assert far.arrived()


async def test_slack_gets_blocks_with_the_commands_and_links(http_sink: HttpSink) -> None:
    notification = render_notification(
        make_due(make_update(replace(SERIOUS, text="550 <no> `such` *user* a_b_c"))), LINKS
    )

    await AppriseNotifier(SLACK).notify(notification)

    [attachment] = http_sink.bodies[0]["attachments"]
    header, section = attachment["blocks"]
    assert (header["type"], header["text"]["text"]) == ("header", f"🔴 {notification.title}")
    text = section["text"]["text"]
    assert section["text"]["type"] == "mrkdwn"
    assert "*Error:* `550 &lt;no&gt; 'such' *user* a_b_c`" in text
    assert "```\npostroom dead show email.send.dead --id m-1\n" in text
    assert "<https://mq.example.com/#/queues/%2F/email.send.dead|Queue>" in text
    assert "<https://wiki.example.com/RecipientRefused|Runbook>" in text


async def test_a_large_digest_fits_into_slacks_limits(http_sink: HttpSink) -> None:
    updates = [make_update(make_incident(name="q" * 200, what="E" * 200, key=str(number))) for number in range(100)]

    await AppriseNotifier(SLACK).notify(render_notification(make_due(*updates), LINKS))

    blocks = [block for body in http_sink.bodies for block in body["attachments"][0]["blocks"]]
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)
    assert len(http_sink.bodies) == 1


async def test_pagerduty_gets_one_incident_for_a_group_and_its_end(http_sink: HttpSink) -> None:
    pager = AppriseNotifier(PAGER)

    for reason in (
        Reason.NEW,
        Reason.MORE,
        Reason.ESCALATED,
        Reason.RESOLVED,
    ):
        await pager.notify(render_notification(make_due(make_update(SERIOUS, reason=reason)), LINKS))

    assert [body["event_action"] for body in http_sink.bodies] == ["trigger", "trigger", "resolve"]
    assert {body["dedup_key"] for body in http_sink.bodies} == {f"postroom-{KEY}"}
    first = http_sink.bodies[0]
    assert (first["payload"]["severity"], first["payload"]["component"]) == ("critical", "email.send")
    assert first["payload"]["summary"].strip() == "email.send: RecipientRefused, 3 messages"
    assert first["payload"]["custom_details"]["Queue"] == "email.send.dead"
    assert first["links"] == [{"href": "https://mq.example.com/#/queues/%2F/email.send.dead"}]


async def test_pagerduty_gets_an_incident_for_each_change_in_a_digest_and_its_end(http_sink: HttpSink) -> None:
    pager = AppriseNotifier(PAGER)
    grown, first, second = (make_incident(key=key) for key in ("grown", "first", "second"))

    await pager.notify(
        render_notification(
            make_due(make_update(grown, reason=Reason.MORE), make_update(first), make_update(second)), LINKS
        )
    )
    await pager.notify(
        render_notification(make_due(make_update(grown, reason=Reason.MORE), make_update(first, reason=Reason.MORE)))
    )
    await pager.notify(render_notification(make_due(make_update(first, reason=Reason.RESOLVED)), LINKS))
    await pager.notify(
        render_notification(make_due(*(make_update(each, reason=Reason.RESOLVED) for each in (grown, second))), LINKS)
    )

    events = [(body["event_action"], body["dedup_key"]) for body in http_sink.bodies]
    assert sorted(events[:2]) == [("trigger", "postroom-first"), ("trigger", "postroom-second")]
    assert events[2] == ("resolve", "postroom-first")
    assert sorted(events[3:]) == [("resolve", "postroom-grown"), ("resolve", "postroom-second")]


async def test_a_digest_that_pagerduty_does_not_take_is_sent_again(http_sink: HttpSink) -> None:
    http_sink.status = 429
    alert = make_due(make_update(), make_update(make_incident(key="other")))

    with pytest.raises(NotificationFailed):
        await AppriseNotifier(PAGER).notify(render_notification(alert, LINKS))

    assert http_sink.requests == 2


async def test_a_webhook_gets_the_documented_fields(http_sink: HttpSink) -> None:
    hook = AppriseNotifier(f"json://127.0.0.1:{http_sink.port}/")
    page = (Path(__file__).parents[2] / "docs" / "alerting.md").read_text().partition("A plain webhook gets")[2]

    await hook.notify(render_notification(make_due(make_update(SERIOUS)), LINKS))
    await hook.notify(render_notification(make_due(make_update(), make_update(reason=Reason.MORE)), LINKS))

    first, digest = http_sink.bodies
    assert {name: first[name] for name in ("group", "queue", "error_type", "state", "severity", "new", "count")} == {
        "group": KEY,
        "queue": "email.send",
        "error_type": "RecipientRefused",
        "state": "new",
        "severity": "critical",
        "new": 3,
        "count": 3,
    }
    assert first["commands"][0] == "postroom dead show email.send.dead --id m-1"
    assert (digest["state"], digest["new_groups"], len(digest["groups"])) == ("digest", 1, 2)
    undocumented = {name for name in (*first, *digest, *digest["groups"][0]) if f"`{name}`" not in page}
    assert undocumented == {"version", "attachments"}  # apprise's own


async def test_a_mail_is_html_and_text(mail_sink: tuple[MailSink, int]) -> None:
    mails, port = mail_sink
    url = f"mailto://127.0.0.1:{port}/ops@example.com?from=alerts@example.com&mode=insecure"
    notification = render_notification(make_due(make_update(make_incident(text="550 <script>no</script>"))), LINKS)

    await AppriseNotifier(url).notify(notification)

    [mail] = mails.messages
    plain, rich = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert mail["subject"] == f"🟠 {notification.title}"
    assert "postroom dead show email.send.dead --id m-1" in plain.get_content()
    assert "&lt;script&gt;" in rich.get_content()
    assert '<a href="https://wiki.example.com/RecipientRefused">Runbook</a>' in rich.get_content()
