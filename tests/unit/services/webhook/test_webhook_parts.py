import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import SyncSource
from postroom_webhook.caller import HttpResponse
from postroom_webhook.errors import (
    HostBusy,
    ReceiverFailed,
    ReceiverGone,
    ReceiverRefused,
    RedirectNotFollowed,
    SourceUnusable,
    UnknownSecret,
    UnknownSource,
)
from postroom_webhook.host_limits import HostLimits
from postroom_webhook.responses import failure_of, retry_after
from postroom_webhook.settings import WebhookSettings
from postroom_webhook.signing import Secrets
from postroom_webhook.sync.pages import read_page
from postroom_webhook.sync.sources import HeaderSecrets, Sources, read_sources
from postroom_webhook.urls import parse_target

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = parse_target("https://crm.example/list")


def test_the_published_example_of_the_specification_is_signed_as_published() -> None:
    secrets = Secrets("a=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = secrets.headers("a", "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("text", ["a=canary", "whsec_canary", "a=whsec_", "a=whsec_canary!!", "=whsec_" + "QUJD" * 8])
def test_a_secret_that_cannot_be_one_stops_the_service_and_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match="WEBHOOK_SECRETS: entry 1") as error:
        Secrets(text)

    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("999999999", 86400),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86400),
        *((value, None) for value in ("0", "-5", "soon", "", "Wed, 31 Dec 2025 00:00:00 GMT", "9" * 50)),
    ],
)
def test_retry_after_is_read_in_both_forms_up_to_a_day(value: str, seconds: int | None) -> None:
    assert retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, ReceiverFailed) for status in (408, 425, 429, 500, 503, 599)),
        *((status, RedirectNotFollowed) for status in (301, 302, 304, 308)),
        *((status, ReceiverRefused) for status in (101, 400, 401, 404, 422)),
        (410, ReceiverGone),
        *((status, type(None)) for status in (200, 201, 204, 299)),
    ],
)
def test_a_status_decides_what_becomes_of_the_job(status: int, kind: type) -> None:
    assert type(failure_of(HttpResponse(status), "host:80", NOW)) is kind


async def test_a_host_has_its_share_and_the_rest_is_sent_away_one_behind_the_other() -> None:
    now = 100.0
    limits = HostLimits(2, timedelta(seconds=60), clock=lambda: now)
    leave, order = asyncio.Event(), []

    async def call(name: str) -> None:
        async with limits.turn("slow:80"):
            order.append(name)
            await leave.wait()

    tasks = [asyncio.create_task(call(name)) for name in "abcd"]
    await asyncio.sleep(0)
    now += 10  # calls that have hung for 10 s
    waits = []
    for _ in range(3):
        with pytest.raises(HostBusy) as busy:
            async with limits.turn("slow:80"):
                pass
        waits.append(busy.value.wait.total_seconds())
    async with limits.turn("quick:80"):
        order.append("quick")
    leave.set()
    await asyncio.gather(*tasks)

    assert order == ["a", "b", "quick", "c", "d"]
    assert waits == [15, 20, 25]


async def test_who_has_waited_long_enough_gives_its_place_back() -> None:
    limits = HostLimits(1, timedelta(seconds=0.01))
    async with limits.turn("h:80"):
        for _ in range(3):
            with pytest.raises(HostBusy):
                async with limits.turn("h:80"):
                    pass
    async with limits.turn("h:80"):
        pass


def test_a_csv_has_items_and_names_those_that_cannot_be_used() -> None:
    source = SyncSource(name="c", format="csv", id_field="sku")

    page = read_page(source, TARGET, HttpResponse(200, body=b"sku,price\nA,1\n,2\nB,3,4\n"))

    assert [(item.id, item.content["price"]) for item in page.items] == [("A", "1")]
    assert [problem.partition(":")[0] for problem in page.problems] == ["item 2", "item 3"]


def test_the_next_page_is_found_in_a_link_or_by_a_cursor() -> None:
    link = {"link": '<https://crm.example/list?p=0>; rel="prev", </list?p=2>; rel="next last"'}
    by_link = read_page(SyncSource(name="c", next="link"), TARGET, HttpResponse(200, link, b"[]"))
    cursor = SyncSource(name="c", items="d", next="m.after", next_parameter="after")
    by_cursor = read_page(cursor, TARGET, HttpResponse(200, body=b'{"d": [], "m": {"after": "x&y"}}'))

    assert [str(page.next and page.next.url) for page in (by_link, by_cursor)] == [
        "https://crm.example/list?p=2",
        "https://crm.example/list?after=x%26y",
    ]


@pytest.mark.parametrize("url", ["https://evil.example/", "http://crm.example/list?p=2", "/list"])
def test_a_next_page_elsewhere_or_the_same_is_not_fetched(url: str) -> None:
    with pytest.raises(SourceUnusable):
        read_page(SyncSource(name="c", next="link"), TARGET, HttpResponse(200, {"link": f"<{url}>; rel=next"}, b"[]"))


def test_a_secret_header_goes_to_its_own_host_only() -> None:
    sources = Sources({}, HeaderSecrets("crm@https://crm.example=Bearer a=b"))
    source = SyncSource(name="c", url="https://crm.example/x", secret_headers={"Authorization": "crm"})

    assert sources.headers(source, TARGET) == {"Authorization": "Bearer a=b"}
    for url in ("https://evil.example/", "http://crm.example/", "https://crm.example:444/"):
        with pytest.raises(UnknownSecret):
            sources.headers(source, parse_target(url))


def test_a_described_source_is_asked_for_by_its_name_alone(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("customers:\n  url: https://crm.example/list\n")
    sources = Sources(read_sources(file), HeaderSecrets())

    assert sources.find(SyncSource(name="customers")).url == "https://crm.example/list"
    for job in (SyncSource(name="other"), SyncSource(name="customers", url="https://evil.example/")):
        with pytest.raises(UnknownSource):
            sources.find(job)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: {url: https://x.example, formt: csv}", "a: there is no field formt"),
        ("a: {format: xml, url: https://x.example}", "a: format: "),
        ("a: {}", "a: url: "),
        ("A b: {url: https://x.example}", "A b: name: "),
        ("- a", "write `name:`"),
        ("a: {url: https://x.example, secret_headers: {Authorization: crm}}", "a: secret_headers: "),
    ],
)
def test_a_wrong_file_of_sources_stops_the_service(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.yaml").write_text(text)
    monkeypatch.setenv("WEBHOOK_SYNC_FILE", str(tmp_path / "s.yaml"))

    with pytest.raises(ConfigurationError, match=problem):
        WebhookSettings().sources()
