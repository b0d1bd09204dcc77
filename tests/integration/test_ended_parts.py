"""What a service does beside its messages is a part of its process: one that ends by itself ends the process."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from postroom.runtime.assembly import load_service
from postroom.runtime.process import EXIT_LOST_CONSUMERS
from postroom.runtime.serving import ServiceRunner
from postroom.service import Service
from postroom.settings import RuntimeSettings
from postroom.standalone.runner import open_standalone
from postroom_alerting.handlers import worker as alerting
from postroom_alerting.service import service as alerting_service
from postroom_scheduler.service import service as scheduler_service
from postroom_sms.service import service as sms_service
from tests.support.brokers import VirtualHost
from tests.support.patience import WORK, seconds
from tests.support.worker import WorkerVhost

pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")

BUG = ZeroDivisionError
CANCELLED = asyncio.CancelledError
"""Of what alerting does in the background, this alone is no error after which it goes on."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RuntimeSettings:
    monkeypatch.setenv("SMS_GATEWAY_URL", "smpp://postroom:secret@127.0.0.1:1")
    monkeypatch.setenv("ALERTING_CHANNELS", "json://127.0.0.1:1/")
    return RuntimeSettings(data_dir=tmp_path / "data", health_port=0)


@pytest.fixture
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has the given name raises the given error whenever it is called."""
    name, error = request.param

    async def fail(*_arguments: Any, **_named: Any) -> None:
        raise error

    monkeypatch.setattr(name, fail)


@pytest.mark.parametrize(
    ("service", "broken", "logged"),
    [
        (
            scheduler_service,
            ("postroom_scheduler.file.FileWatch.load", BUG),
            "FileWatch.watch has ended (ZeroDivisionError)",
        ),
        (
            sms_service,
            ("postroom_sms.sql_texts.SqlTexts.not_announced", BUG),
            "TextEvents.publish_forgotten has ended (ZeroDivisionError)",
        ),
        (sms_service, ("postroom_sms.gateway.smpp._Binder.bind", BUG), "Link.keep_open has ended (ZeroDivisionError)"),
        (
            alerting_service,
            ("postroom_alerting.notify.sql_notifications.SqlNotificationLog.claim", CANCELLED),
            "Dispatcher._keep_sending has ended (something that it waited for was cancelled)",
        ),
    ],
    indirect=["broken"],
)
@pytest.mark.usefixtures("broken")
async def test_a_part_that_ends_by_itself_ends_the_process(
    settings: RuntimeSettings, caplog: pytest.LogCaptureFixture, service: Service, logged: str
) -> None:
    async with open_standalone(settings, [load_service(service)]) as (runner, _):
        assert await exit_code(runner) == EXIT_LOST_CONSUMERS
    assert logged in caplog.text


@pytest.mark.parametrize("broken", [("postroom_alerting.monitor.monitor.Monitor.poll", CANCELLED)], indirect=True)
@pytest.mark.usefixtures("broken")
async def test_a_monitor_that_ends_by_itself_ends_the_process(
    vhost: VirtualHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker_vhost = WorkerVhost(vhost)
    worker_vhost.apply(alerting)
    runner = ServiceRunner([load_service(alerting_service)], worker_vhost.settings(tmp_path))

    assert await exit_code(runner) == EXIT_LOST_CONSUMERS
    assert "Monitor._keep_polling has ended (something that it waited for was cancelled)" in caplog.text


async def exit_code(runner: ServiceRunner) -> int:
    """What the process ends with."""
    async with asyncio.timeout(seconds(WORK)):
        return await runner.serve()
