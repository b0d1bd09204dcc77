"""Receipts and what becomes of a text by them, on both databases, whose tables the migrations made."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from postroom.storage.database import Database
from postroom.testing import RecordingPublisher
from postroom.wire.errors import ProviderUnavailable
from postroom.wire.messages import SmsDelivered, SmsUndelivered
from postroom_sms.events import ReceiptRecorder, TextEvents
from postroom_sms.gateway import Accepted, DeliveryProgress, Receipt
from postroom_sms.sql_texts import SqlTexts, number_hash
from postroom_sms.texts import Facts, TextKey, TextState
from tests.support.databases import service_database

KEY, OTHER = TextKey("sms.send", "job-1"), TextKey("sms.on.user.otp_requested", "job-1")
FACTS = Facts("+4915112345678", "Shop", "GSM-7", 3)
IDS = ("a", "b", "c")
ACCEPTED = Accepted("smpp", IDS)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = service_database(database_url, "sms")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def texts(database: Database) -> SqlTexts:
    return SqlTexts(database, SecretStr("key"))


def told(part: str, progress: DeliveryProgress, reason: str | None = None) -> Receipt:
    return Receipt("smpp", part, progress, reason)


async def state_of(texts: SqlTexts, key: TextKey = KEY) -> TextState:
    before = (await texts.begin(key, FACTS)).before
    assert before is not None
    return before.state


async def test_a_text_is_delivered_when_all_its_parts_are(texts: SqlTexts):
    await texts.begin(KEY, FACTS)
    assert await texts.accepted(KEY, ACCEPTED) is None
    ends = [await texts.receive(told(part, DeliveryProgress.DELIVERED)) for part in IDS]

    assert [end and end.progress for end in ends] == [None, None, DeliveryProgress.DELIVERED]
    assert ends[-1] is not None
    assert (ends[-1].key, ends[-1].to, ends[-1].gateway) == (KEY, "+49•••••678", "smpp")
    assert await state_of(texts) is TextState.DELIVERED


async def test_a_later_part_s_success_never_hides_an_earlier_failure(texts: SqlTexts):
    await texts.begin(KEY, FACTS)
    await texts.accepted(KEY, ACCEPTED)
    end = await texts.receive(told("b", DeliveryProgress.UNDELIVERED, "027 absent"))
    later = [await texts.receive(told(part, DeliveryProgress.DELIVERED)) for part in ("a", "b", "c")]

    assert end is not None
    assert (end.progress, end.reason) == (DeliveryProgress.UNDELIVERED, "027 absent")
    assert later == [None, None, None]
    assert await state_of(texts) is TextState.UNDELIVERED


async def test_a_part_s_end_stays_what_it_was_first_told_to_be(texts: SqlTexts):
    await texts.begin(KEY, FACTS)
    await texts.accepted(KEY, ACCEPTED)
    told_so = [("a", DeliveryProgress.DELIVERED), ("a", DeliveryProgress.UNDELIVERED), ("a", DeliveryProgress.ACCEPTED)]
    ends = [await texts.receive(told(*each)) for each in (*told_so, ("b", DeliveryProgress.DELIVERED))]
    end = await texts.receive(told("c", DeliveryProgress.DELIVERED))

    assert ends == [None] * 4
    assert end is not None
    assert end.progress is DeliveryProgress.DELIVERED


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_the_end_is_told_once_in_whatever_order_things_come(tmp_path: Path, order: tuple[int, ...]):
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/sms.sqlite3", "sms")
    await database.migrate()
    texts = SqlTexts(database)
    await texts.begin(KEY, FACTS)
    steps = [lambda: texts.accepted(KEY, ACCEPTED)]
    steps += [lambda part=part: texts.receive(told(part, DeliveryProgress.DELIVERED)) for part in IDS]  # type: ignore[misc]

    ends = [await steps[step]() for step in order for _ in range(1 if step == 0 else 2)]

    assert [end.progress for end in ends if end] == [DeliveryProgress.DELIVERED]
    assert ends[-1] is not None or ends[-2] is not None
    await database.close()


async def test_an_early_receipt_is_kept_for_its_text(texts: SqlTexts):
    assert await texts.receive(told("a", DeliveryProgress.UNDELIVERED, "blocked")) is None
    await texts.begin(KEY, FACTS)
    end = await texts.accepted(KEY, ACCEPTED)

    assert end is not None
    assert (end.progress, end.reason) == (DeliveryProgress.UNDELIVERED, "blocked")


async def test_an_id_that_a_provider_uses_again_belongs_to_the_new_text(texts: SqlTexts):
    for key in (KEY, OTHER):
        await texts.begin(key, FACTS)
        assert await texts.accepted(key, Accepted("smpp", ("a",))) is None
        end = await texts.receive(told("a", DeliveryProgress.DELIVERED))
        assert end is not None
        assert end.key == key


async def test_receipts_at_once_end_each_text_once(database: Database):
    stores = [SqlTexts(database) for _ in range(2)]  # as two processes
    keys = [TextKey("sms.send", str(number)) for number in range(50)]
    for key in keys:
        await stores[0].begin(key, FACTS)
    receipts = [told(f"{key.job_id}-{part}", DeliveryProgress.DELIVERED) for key in keys for part in IDS]
    work = [stores[0].accepted(key, Accepted("smpp", tuple(f"{key.job_id}-{part}" for part in IDS))) for key in keys]
    work += [stores[number % 2].receive(receipt) for number, receipt in enumerate(receipts)]

    ends = [end for end in await asyncio.gather(*work) if end]

    assert sorted(end.key.job_id for end in ends) == sorted(key.job_id for key in keys)


async def test_odd_words_of_a_provider_are_stored(texts: SqlTexts):
    await texts.begin(KEY, FACTS)
    await texts.accepted(KEY, Accepted("smpp", ("a" * 400 + "\0",)))

    end = await texts.receive(told("a" * 400 + "\0", DeliveryProgress.UNDELIVERED, "\0\ud800" + "x" * 1000))

    assert end is not None


async def test_an_end_is_published_once_with_an_id_made_of_the_job_s(texts: SqlTexts):
    publisher = RecordingPublisher()
    events = TextEvents(texts, publisher)
    receipt_handler = ReceiptRecorder(texts, events)
    for key, part in ((KEY, "a"), (OTHER, "b")):
        await texts.begin(key, FACTS)
        await texts.accepted(key, Accepted("smpp", (part,)))
    for receipt in (told("a", DeliveryProgress.DELIVERED), told("b", DeliveryProgress.UNDELIVERED, "027")) * 2:
        await receipt_handler.take(receipt)
    await events.finish()

    assert publisher.published == [
        SmsDelivered(id="job-1", to="+49•••••678", gateway="smpp"),
        SmsUndelivered(id="job-1", to="+49•••••678", gateway="smpp", reason="027"),
    ]
    assert [sent.message_id for sent in publisher.sent] == [
        "job-1.delivered",
        "job-1.sms.on.user.otp_requested.undelivered",
    ]


@pytest.mark.parametrize("error", [ProviderUnavailable("no write for 15 s"), OperationalError("UPDATE", {}, OSError())])
async def test_an_end_whose_database_is_away_is_logged_and_found_later(
    texts: SqlTexts, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    await texts.begin(KEY, FACTS)
    await texts.accepted(KEY, Accepted("smpp", ("a",)))
    ended = await texts.receive(told("a", DeliveryProgress.DELIVERED))
    assert ended is not None

    async def away(_key: TextKey) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(texts, "announced", away)
        events = TextEvents(texts, RecordingPublisher())
        events.publish_soon(ended)
        await events.finish()

    assert f"not published yet ({type(error).__name__})" in caplog.text
    monkeypatch.setattr("postroom_sms.sql_texts.ANNOUNCE_AGAIN_AFTER", timedelta(0))
    assert [each.key for each in await texts.not_announced(10)] == [KEY]


async def test_an_end_that_was_not_published_is_found_later(texts: SqlTexts, monkeypatch: pytest.MonkeyPatch):
    from datetime import timedelta

    await texts.begin(KEY, FACTS)
    await texts.accepted(KEY, Accepted("smpp", ("a",)))
    await texts.receive(told("a", DeliveryProgress.DELIVERED))
    assert await texts.not_announced(10) == []  # whoever wrote it down is about to
    monkeypatch.setattr("postroom_sms.sql_texts.ANNOUNCE_AGAIN_AFTER", timedelta(0))

    assert [ended.key for ended in await texts.not_announced(10)] == [KEY]
    await texts.announced(KEY)
    assert await texts.not_announced(10) == []


def test_a_number_is_found_by_its_hash_only_with_the_key():
    assert number_hash("+4915112345678", None) is None
    assert number_hash("+4915112345678", SecretStr("a")) != number_hash("+4915112345678", SecretStr("b"))
