"""Syncs one source: page by page, publishes what changed, then remembers it.

1. One job at a time reads a source; others come again later.
2. A page is fetched; with the validators of the last time when that one was a single page. 304: nothing to do.
3. For each item whose content differs from what was last published, an event is published, then its hash is kept. A
   process that dies in between publishes the same event again with the same message id, and listeners' inboxes drop
   it. The id has the item's version in it, so that an item that changes back is published all the same.
4. The address of the next page is kept: a page that fails is tried again from there.
5. Items that cannot be used do not hold up the others; at the end they make the job a dead letter that names them.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from postroom.wire.errors import InvalidPublish, PermanentFailure
from postroom.wire.messages import Event, Message, SyncSource
from postroom.wire.messages.sync import changed_in, deleted_from
from postroom_webhook.caller import BodyEnding, Caller, HttpRequest, HttpResponse
from postroom_webhook.errors import ReceiverUnreachable, SourceBusy, SourceUnusable, SyncGoesOn
from postroom_webhook.responses import failure_of
from postroom_webhook.sync.pages import SourceItem, SourcePage, read_page
from postroom_webhook.sync.sources import Sources
from postroom_webhook.sync.state import PublishedItem, SyncProgress, SyncState
from postroom_webhook.urls import HttpTarget

log = logging.getLogger(__name__)

LONGEST_TURN = timedelta(minutes=10)  # under the handler's time limit by more than a page takes
MOST_PAGES = 10_000
AT_ONCE = 100  # events published together, then remembered together
LOOK_AGAIN = timedelta(seconds=30)


class ItemPublisher(Protocol):
    """Publishes events: postroom.broker.publishing.Publisher."""

    async def publish(self, message: Message, *, message_id: str | None = None) -> str:
        """See Publisher."""


@dataclass(frozen=True, slots=True)
class Syncer:
    """Syncs sources.

    Attributes:
        caller: fetches.
        sources: describes them.
        state: how far each source was read, and what is known of its items.
        publisher: publishes the changes.
        max_bytes: of one page.
        time_limit: for one page.
    """

    caller: Caller
    sources: Sources
    state: SyncState
    publisher: ItemPublisher
    max_bytes: int
    time_limit: timedelta

    async def sync(self, job: SyncSource, holder: str) -> None:
        """Publish all that changed in the job's source. `holder` is the job's id. Raises what errors.py lists."""
        source = self.sources.find(job)
        first = self.sources.target(source)
        self.sources.headers(source, first)
        progress = await self.state.begin(source.name, _description_of(source), holder)
        if progress is None:
            raise SourceBusy(f"{source.name}: another job is reading it", wait=LOOK_AGAIN)
        try:
            await self._read(source, first, progress, holder)
        except PermanentFailure:
            # The next job begins anew: what is kept may be the address of a page that is no more.
            await self.state.turn_page(source.name, holder, None)
            raise
        finally:
            await asyncio.shield(self.state.release(source.name, holder))

    async def _read(self, source: SyncSource, first: HttpTarget, progress: SyncProgress, holder: str) -> None:
        target = self.sources.target(source, progress.cursor) if progress.cursor else first
        began, pages, problems = time.monotonic(), progress.pages, list[str]()
        while True:
            response = await self._fetch(source, target, progress if pages == 0 else None)
            if response.status == 304:
                await self.state.finish(source.name, holder, progress.etag, progress.last_modified)
                return
            page = await asyncio.to_thread(read_page, source, target, response)
            problems += [*page.problems, *await self._publish_changes(source, progress.run, page)]
            pages += 1
            if page.next is None:
                break
            if pages >= MOST_PAGES:
                raise SourceUnusable(f"{source.name}: more than {MOST_PAGES} pages; do they go round in circles?")
            target = page.next
            await self.state.turn_page(source.name, holder, str(target.url))
            if time.monotonic() - began > LONGEST_TURN.total_seconds():
                raise SyncGoesOn(f"{source.name}: {pages} pages are done", wait=timedelta(seconds=1))
        await self._conclude(source, progress.run, holder, response if pages == 1 else None, problems)

    async def _fetch(self, source: SyncSource, target: HttpTarget, validators: SyncProgress | None) -> HttpResponse:
        headers = self.sources.headers(source, target)
        if validators and validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators and validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        response = await self.caller.call(
            HttpRequest("GET", target, headers, time_limit=self.time_limit, read_bytes=self.max_bytes + 1)
        )
        if response.status == 304 and validators and (validators.etag or validators.last_modified):
            return response
        if failure := failure_of(response, target.place, datetime.now(UTC)):
            raise failure
        if len(response.body) > self.max_bytes:
            raise SourceUnusable(f"{source.name}: a page has more than WEBHOOK_SYNC_MAX_BYTES ({self.max_bytes})")
        if response.ending is not BodyEnding.COMPLETE:
            raise ReceiverUnreachable(f"{target.place} broke off after {len(response.body)} bytes, or took too long")
        return response

    async def _publish_changes(self, source: SyncSource, run: int, page: SourcePage) -> list[str]:
        problems = []
        for start in range(0, len(page.items), AT_ONCE):
            items = page.items[start : start + AT_ONCE]
            known = await self.state.known(source.name, [item.id for item in items])
            changed = [item for item in items if item.id not in known or known[item.id].hash != item.hash]
            results = await asyncio.gather(
                *(self._publish_change(source.name, item, known.get(item.id)) for item in changed)
            )
            problems += [result for result in results if isinstance(result, str)]
            news = [result for result in results if isinstance(result, PublishedItem)]
            if source.delete:  # that they were seen counts
                news += [known[item.id] for item in items if item.id in known and item not in changed]
            if news:
                await self.state.save(source.name, run, news)
        return problems

    async def _publish_change(self, name: str, item: SourceItem, before: PublishedItem | None) -> PublishedItem | str:
        now = PublishedItem(item.id, item.hash, (before.version if before else 0) + 1)
        event = changed_in(name)(source=name, id=item.id, item=item.content)
        try:
            await self._publish(event, name, now)
        except InvalidPublish as error:
            return f"item {item.id[:50]!r}: {error}"
        return now

    async def _publish(self, event: Event, name: str, item: PublishedItem) -> None:
        seed = "\0".join((name, item.id, str(item.version), item.hash or "gone"))
        await self.publisher.publish(event, message_id=hashlib.sha256(seed.encode()).hexdigest()[:32])

    async def _conclude(
        self, source: SyncSource, run: int, holder: str, only_page: HttpResponse | None, problems: Sequence[str]
    ) -> None:
        if problems:
            some = "; ".join(problems[:3])
            raise SourceUnusable(f"{source.name}: {len(problems)} items were left out: {some}")
        if source.delete:
            await self._publish_gone(source.name, run)
        # An ETag speaks of one page: of several, the others may have changed all the same.
        headers = only_page.headers if only_page else {}
        await self.state.finish(source.name, holder, headers.get("etag"), headers.get("last-modified"))

    async def _publish_gone(self, name: str, run: int) -> None:
        while gone := await self.state.gone(name, run):
            deleted = [PublishedItem(item.id, None, item.version + 1) for item in gone]
            await asyncio.gather(
                *(self._publish(deleted_from(name)(source=name, id=item.id), name, item) for item in deleted)
            )
            await self.state.save(name, run, deleted)


def _description_of(source: SyncSource) -> str:
    described = source.model_dump_json(exclude={"headers", "secret_headers"})
    return hashlib.sha256(described.encode()).hexdigest()
