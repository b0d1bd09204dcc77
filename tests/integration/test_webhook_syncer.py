"""What a sync publishes, with its real tables; the receivers' side is recorded."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from postroom.testing import RecordingPublisher
from postroom.wire.errors import JobError
from postroom.wire.messages import SyncSource
from postroom_webhook.caller import HttpResponse
from postroom_webhook.errors import ReceiverFailed, SourceBusy, SourceUnusable
from postroom_webhook.sync.sources import HeaderSecrets, Sources
from postroom_webhook.sync.state import PublishedItem, SyncState
from postroom_webhook.sync.syncer import Syncer
from tests.support.databases import service_database
from tests.support.webhook_fakes import RecordingCaller

URL = "https://shop.example/customers"


def rows(*items: dict[str, Any], **headers: str) -> HttpResponse:
    return HttpResponse(200, headers, orjson.dumps(items))


@dataclass
class Shop:
    """A source of customers, and what was published of them."""

    state: SyncState
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    caller: RecordingCaller = field(default_factory=RecordingCaller)

    async def sync(
        self, *answers: HttpResponse | JobError, holder: str = "job", **source: Any
    ) -> list[tuple[str, str]]:
        """Sync with these answers. Returns the kind and item of each event that this published."""
        self.caller.answers = list(answers)
        already = len(self.publisher.published)
        syncer = Syncer(
            self.caller, Sources({}, HeaderSecrets()), self.state, self.publisher, 1_000_000, timedelta(seconds=5)
        )
        await syncer.sync(SyncSource.model_validate({"name": "customers", "url": URL, **source}), holder)
        return [(event.kind, event.id) for event in self.publisher.published[already:]]  # type: ignore[attr-defined]

    @property
    def message_ids(self) -> list[str]:
        return [outgoing.message_id for outgoing in self.publisher.sent]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/webhook.sqlite3", "webhook")
    await database.migrate()
    yield Shop(SyncState(database))
    await database.close()


ADA, BOB = {"id": 1, "name": "Ada"}, {"id": 2, "name": "Bob"}


async def test_what_has_not_changed_is_not_told_again(shop: Shop) -> None:
    assert await shop.sync(rows(ADA, BOB)) == [("customers.changed", "1"), ("customers.changed", "2")]
    assert await shop.sync(rows({"name": "Ada", "id": 1}, BOB)) == []
    assert await shop.sync(rows(ADA, {**BOB, "name": "Bobby"})) == [("customers.changed", "2")]


async def test_a_source_that_says_not_modified_is_not_read(shop: Shop) -> None:
    await shop.sync(rows(ADA, etag='"v1"', **{"last-modified": "Thu, 24 Dec 2026 18:00:00 GMT"}))

    for _ in range(2):  # what was kept stays kept
        assert await shop.sync(HttpResponse(304)) == []
        asked = shop.caller.calls[-1].headers
        assert asked["If-None-Match"] == '"v1"'
        assert asked["If-Modified-Since"] == "Thu, 24 Dec 2026 18:00:00 GMT"


async def test_a_source_of_several_pages_is_read_whole_each_time(shop: Shop) -> None:
    first = rows(ADA, etag='"v1"', link=f'<{URL}?page=2>; rel="next"')
    await shop.sync(first, rows(BOB, etag='"v1"'), next="link")

    await shop.sync(first, rows({**BOB, "name": "Bobby"}), next="link")

    assert "If-None-Match" not in shop.caller.calls[2].headers
    assert [str(call.target.url) for call in shop.caller.calls[2:]] == [URL, f"{URL}?page=2"]
    assert len(shop.publisher.sent) == 3


async def test_a_page_that_fails_is_read_again_and_no_other(shop: Shop) -> None:
    first = rows(ADA, link=f'<{URL}?page=2>; rel="next"')
    with pytest.raises(ReceiverFailed):
        await shop.sync(first, HttpResponse(503), next="link")

    assert await shop.sync(rows(BOB), next="link") == [("customers.changed", "2")]
    assert [str(call.target.url) for call in shop.caller.calls] == [URL, f"{URL}?page=2", f"{URL}?page=2"]


async def test_a_table_is_a_source_too(shop: Shop) -> None:
    table = HttpResponse(200, {}, "sku;name\nA-1;Käse\n".replace(";", ",").encode())

    assert await shop.sync(table, format="csv", id_field="sku") == [("customers.changed", "A-1")]
    assert shop.publisher.published[0].item == {"sku": "A-1", "name": "Käse"}  # type: ignore[attr-defined]


async def test_an_item_that_is_gone_is_told_once_and_may_come_back(shop: Shop) -> None:
    await shop.sync(rows(ADA, BOB), delete=True)

    assert await shop.sync(rows(ADA), delete=True) == [("customers.deleted", "2")]
    assert await shop.sync(rows(ADA), delete=True) == []
    assert await shop.sync(rows(ADA, BOB), delete=True) == [("customers.changed", "2")]
    assert len(set(shop.message_ids)) == len(shop.message_ids) == 4


async def test_a_crash_after_publishing_tells_the_same_again_under_the_same_ids(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_self: SyncState, _name: str, _run: int, _items: Sequence[PublishedItem]) -> None:
        raise OSError("the process died here")

    with monkeypatch.context() as broken:
        broken.setattr(SyncState, "save", crash)
        with pytest.raises(OSError, match="died here"):
            await shop.sync(rows(ADA, BOB))
    await shop.sync(rows(ADA, BOB))

    assert shop.message_ids[:2] == shop.message_ids[2:]


async def test_while_one_job_reads_a_source_another_comes_again_later(shop: Shop) -> None:
    syncing = SyncSource(name="customers", url=URL)
    assert await shop.state.begin("customers", "any", "somebody else") is not None

    with pytest.raises(SourceBusy) as caught:
        await shop.sync(rows(ADA), name=syncing.name)

    assert caught.value.wait > timedelta(0)
    assert shop.publisher.sent == []


async def test_an_item_too_large_for_a_message_is_named_and_holds_up_no_other(shop: Shop) -> None:
    with pytest.raises(SourceUnusable, match=r"1 items were left out: item '1': .*262144"):
        await shop.sync(rows({**ADA, "photo": "x" * 300_000}, BOB))

    assert [event.id for event in shop.publisher.published] == ["2"]  # type: ignore[attr-defined]


async def test_a_page_over_the_limit_is_refused(shop: Shop) -> None:
    with pytest.raises(SourceUnusable, match=r"WEBHOOK_SYNC_MAX_BYTES \(1000000\)"):
        await shop.sync(HttpResponse(200, {}, b"x" * 1_000_001))

    assert shop.caller.calls[0].read_bytes == 1_000_001
