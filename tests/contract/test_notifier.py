"""One suite for every Notifier: the fake, the log, and apprise with a real HTTP and a real SMTP server."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from postroom.testing import eventually
from postroom.wire.errors import ConfigurationError
from postroom_alerting.notify.channels import AppriseNotifier, LogNotifier, keep_out_of_logs, open_channels
from postroom_alerting.notify.notifier import Notification, NotificationFailed, Notifier
from postroom_alerting.settings import AlertingSettings
from tests.support.alert_sinks import HttpSink, MailSink, serve_http, serve_mail
from tests.support.alerting import RecordingNotifier
from tests.support.patience import REACTION, seconds

# A library that one of its plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")

NOTICE = Notification("email.send: RecipientRefused, 3 messages", "Error: 550 <no such user>\n\npostroom dead list")
SECRET = "canary-token-1234567890"


@dataclass
class NotifierAndSink:
    """A notifier, and what arrived at the far side as one text each."""

    notifier: Notifier
    arrived: Callable[[], list[str]]


@pytest.fixture
def http_sink() -> Iterator[HttpSink]:
    with serve_http() as sink:
        yield sink


@pytest.fixture
def mail_sink() -> Iterator[tuple[MailSink, int]]:
    with serve_mail() as sink_and_port:
        yield sink_and_port


@pytest.fixture(params=["fake", "log", "http", "smtp"])
def both(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> NotifierAndSink:
    if request.param == "fake":
        fake = RecordingNotifier()
        return NotifierAndSink(fake, lambda: [f"{each.title}\n{each.body}" for each in fake.notifications])
    if request.param == "log":
        own = "postroom_alerting.notify.channels"
        return NotifierAndSink(
            LogNotifier(), lambda: [line.getMessage() for line in caplog.records if line.name == own]
        )
    if request.param == "http":
        sink: HttpSink = request.getfixturevalue("http_sink")
        url = f"json://127.0.0.1:{sink.port}/{SECRET}"
        return NotifierAndSink(
            AppriseNotifier(url), lambda: [f"{one['title']}\n{one['message']}" for one in sink.bodies]
        )
    mails, port = request.getfixturevalue("mail_sink")
    url = f"mailto://127.0.0.1:{port}/ops@example.com?from=alerts@example.com&mode=insecure&format=text"
    return NotifierAndSink(AppriseNotifier(url), lambda: mails.mails)


async def test_a_notice_arrives_with_title_and_text(both: NotifierAndSink) -> None:
    await both.notifier.notify(NOTICE)

    [text] = both.arrived()
    assert NOTICE.title in text
    assert "550 <no such user>" in text
    assert "postroom dead list" in text


async def test_two_notices_are_two(both: NotifierAndSink) -> None:
    await both.notifier.notify(NOTICE)
    await both.notifier.notify(Notification("another", "text"))

    assert len(both.arrived()) == 2


def test_a_channels_name_is_short_and_shows_no_secret(both: NotifierAndSink) -> None:
    assert len(both.notifier.channel) <= 64
    assert SECRET not in both.notifier.channel


def test_a_channels_name_stays_the_same_over_restarts() -> None:
    assert AppriseNotifier("json://h/a").channel == AppriseNotifier("json://h/a", 2).channel
    assert AppriseNotifier("json://h/a").channel != AppriseNotifier("json://h/b").channel


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_server_that_refuses_is_a_failure(http_sink: HttpSink, status: int) -> None:
    http_sink.status = status
    notifier = AppriseNotifier(f"json://127.0.0.1:{http_sink.port}/{SECRET}")

    with pytest.raises(NotificationFailed, match="json-") as failure:
        await notifier.notify(NOTICE)

    assert SECRET not in str(failure.value)


async def test_a_server_that_is_away_is_a_failure() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"json://127.0.0.1:{probe.getsockname()[1]}/{SECRET}"
        with pytest.raises(NotificationFailed):  # the port is held, and nobody listens
            await AppriseNotifier(url).notify(NOTICE)


async def test_a_slow_server_does_not_hold_up_the_event_loop(http_sink: HttpSink) -> None:
    http_sink.delay = threading.Event()
    patient = f"json://127.0.0.1:{http_sink.port}/?rto={seconds(REACTION)}"
    sending = asyncio.create_task(AppriseNotifier(patient).notify(NOTICE))

    await eventually(lambda: http_sink.requests == 1)  # the loop turns while the server does not answer

    assert not sending.done()
    http_sink.delay.set()
    await sending
    assert len(http_sink.bodies) == 1


async def test_a_failing_channel_logs_why_without_its_url(
    http_sink: HttpSink, caplog: pytest.LogCaptureFixture
) -> None:
    http_sink.status = 403
    url = f"json://user:{SECRET}@127.0.0.1:{http_sink.port}/hook-{SECRET}?token={SECRET}"
    keep_out_of_logs([url])
    caplog.set_level(logging.DEBUG)

    with pytest.raises(NotificationFailed):
        await AppriseNotifier(url).notify(NOTICE)

    assert "error=403" in caplog.text
    assert SECRET not in caplog.text


async def test_a_secret_that_apprise_would_log_is_hidden(caplog: pytest.LogCaptureFixture) -> None:
    url = f"json://host/{SECRET}"
    keep_out_of_logs([url])

    logging.getLogger("apprise").warning("Unparseable URL %s", url)

    assert "Unparseable" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("url", ["nonsense://host/canary-token", "slack://", "canary-token", "mailto://"])
def test_a_url_that_cannot_be_used_is_named_by_its_place(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTING_CHANNELS", f"json://localhost/x,{url}" if "://" in url else url)

    with pytest.raises(ConfigurationError, match="ALERTING_CHANNELS: entry") as error:
        open_channels(AlertingSettings())

    assert "canary" not in str(error.value)


def test_without_channels_alerts_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERTING_CHANNELS", raising=False)

    assert [channel.channel for channel in open_channels(AlertingSettings())] == ["log"]
