"""Which service reads a queue is seen by its name, and only where that does not say it by loading services."""

import pytest

from postroom.operator.cli import status_state
from postroom.operator.cli.status_state import readers_of
from postroom.wire.messages import SendSms
from postroom.worker import Worker


def test_names_that_say_it_need_no_service_to_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def workers() -> list[Worker]:
        raise AssertionError("services are loaded")

    monkeypatch.setattr(status_state, "workers", workers)

    assert readers_of(["email.send", "garden.on.user.created", "alerting", "audit.on.all"]) == {
        "email.send": "email",
        "garden.on.user.created": "garden",
        "alerting": "alerting",
        "audit.on.all": "audit",
    }


def test_a_job_that_is_not_named_after_its_service_is_found_at_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker("texts")

    @worker.handles(SendSms)
    async def send(job: SendSms) -> None: ...

    monkeypatch.setattr(status_state, "services", list)
    monkeypatch.setattr(status_state, "workers", lambda: [worker])

    assert readers_of(["sms.send", "nobody.knows"]) == {"sms.send": "texts", "nobody.knows": "nobody"}
