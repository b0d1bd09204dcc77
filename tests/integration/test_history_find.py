"""Messages are found by what is known of them, on both databases."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from postroom.privacy.recipients import digest_of
from postroom.storage.database import Database
from postroom.wire.messages import Recipient
from postroom_audit.errors import AmbiguousId, UnknownId
from postroom_audit.search import MessageQuery
from postroom_audit.sql_events import SqlEventLog
from postroom_audit.sql_history import SqlHistory
from tests.support.databases import service_database
from tests.support.history import NOON, a_life_of, event, found, letter, make_try, record, to


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = service_database(database_url, "audit")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def log(database: Database) -> SqlEventLog:
    return SqlEventLog(database)


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database)


async def test_a_message_is_found_as_it_stands_now(log: SqlEventLog, history: SqlHistory) -> None:
    await record(
        log,
        *(make_try("waiting", 1, "retried"), make_try("dead", 2, "dead"), make_try("done", 3, "dead")),
        *(make_try("done", 9, replays=1), make_try("discarded", 4, "dead"), make_try("replayed", 5, "dead")),
        *(make_try("buried", 6, "retried"), make_try("later-dead", 7, "dead"), make_try("later-dead", 12, "dead")),
    )
    await log.record_letters(
        [
            *(letter("done", 8, "replayed"), letter("discarded", 8, "discarded"), letter("replayed", 8, "replayed")),
            *(letter("buried", 8, "died"), letter("later-dead", 8, "replayed"), letter("dead", 2, "died")),
        ]
    )

    assert await found(history, state="dead") == ["later-dead", "buried", "dead"]
    for state, ids in {"done": ["done"], "retried": ["waiting"], "discarded": ["discarded"]}.items():
        assert await found(history, state=state) == ids
    assert await found(history, state="replayed") == ["replayed"]
    assert await found(history, limit=2) == ["later-dead", "done"]
    [done] = await history.find(MessageQuery(state="done"))
    assert (done.tries, done.replays, done.at) == (2, 1, NOON + timedelta(minutes=9))


async def test_what_is_known_by_its_death_alone_is_found(log: SqlEventLog, history: SqlHistory) -> None:
    unrouted = {"queue": "unrouted", "kind": "report.generat", "replays": 0}
    listener = {"queue": "email.on.user.created", "replays": 0, "reason": "DeliveryLimit: the broker buried it"}
    await record(log, make_try("tried", 1, "retried"))
    await log.record(event("user.created", "heard", 0))
    await log.record_letters(
        [
            letter("nobody's", 2, "died", **unrouted, reason="Unrouted: no queue takes report.generat"),
            letter("heard", 3, "died", **listener),
            letter("tried", 4, "died", replays=0, reason="DeliveryLimit: the broker buried it"),
            letter("gone", 4, "died", **unrouted),
            letter("gone", 5, "discarded", queue="unrouted", reason="DeliveryLimit, misspelt"),
        ]
    )

    assert await found(history, state="dead") == ["heard", "nobody's", "tried"]
    assert await found(history, state="discarded") == ["gone"]
    assert await found(history) == ["gone", "heard", "nobody's", "tried"]
    assert await found(history, error="deliverylimit") == ["heard", "tried"]
    assert await found(history, kind="report.generat", state="dead") == ["nobody's"]
    assert await found(history, kind="user.created") == ["heard"]
    assert await found(history, kind="email.send") == ["tried"]
    assert await found(history, queue="email.on.user.created") == ["heard"]
    window = {"since": NOON + timedelta(minutes=3), "until": NOON + timedelta(minutes=5)}
    assert await found(history, **window, state="dead") == ["heard", "tried"]
    assert await found(history, recipient=digest_of("ada@example.com")) == []
    for wanted in ({"queue": "email.send"}, {"queue": "email.on.user.created"}):
        [one] = await history.find(MessageQuery.model_validate(wanted))
        assert one.error == "DeliveryLimit: the broker buried it"
    assert (one.kind, one.tries, one.replays) == ("user.created", 0, 0)


async def test_find_and_show_agree_whatever_the_clocks_said(log: SqlEventLog, history: SqlHistory) -> None:
    """400 messages, recorded by machines whose clocks are up to 20 s apart, some of them in part only."""
    chance = random.Random(4711)  # noqa: S311 - the same lives each time
    for number in range(400):
        tries, letters = a_life_of(f"m-{number}", chance)
        await record(log, *tries)
        await log.record_letters(letters)

    all_of_them = await history.find(MessageQuery(limit=10_000))

    words = {"not done": "retried", "done": "done", "dead": "dead", "replayed": "replayed", "discarded": "discarded"}
    assert len(all_of_them) == 400
    for one in all_of_them:
        [story] = await history.timelines(one.message_id)
        [state] = [state for word, state in words.items() if re.match(rf"{word}\b", story.outcomes[0])]
        assert one.state == state, str(story)
        assert one.message_id in await found(history, state=state, limit=10_000)


async def test_a_replay_by_somebody_whose_clock_is_ahead_is_not_the_end(log: SqlEventLog, history: SqlHistory) -> None:
    ahead = timedelta(seconds=2)
    for name, outcome in (("done", "done"), ("dead again", "dead")):
        again = NOON + timedelta(seconds=1)
        await record(log, make_try(name, 0, "dead"), make_try(name, 1, outcome, at=again, replays=1))
        await log.record_letters(
            [
                letter(name, 0, "died", replays=0),
                letter(name, 0, "replayed", at=NOON + timedelta(seconds=0.5) + ahead, replays=1),
                *([letter(name, 1, "died", at=again, replays=1)] if outcome == "dead" else []),
            ]
        )

    assert await found(history, state="replayed") == []
    assert await found(history, state="done") == ["done"]
    assert await found(history, state="dead") == ["dead again"]


async def test_a_message_is_found_by_whom_it_is_for_when_and_of_what_it_failed(
    log: SqlEventLog, history: SqlHistory
) -> None:
    await record(
        log,
        make_try("ada", 1, "retried", recipients=to("Ada <ada@example.com>", "bob@example.com")),
        make_try("ada", 2, recipients=to("Ada <ada@example.com>")),
        make_try("text", 3, kind="sms.send", queue="sms.send", recipients=to("+49 151 12345123")),
        make_try("slow", 4, "dead", error_type="TimeLimitExceeded", error="100% of its time_limit"),
    )

    assert await found(history, recipient=digest_of("ADA@example.com")) == ["ada"]
    assert await found(history, recipient=digest_of("bob@example.com")) == ["ada"]
    assert await found(history, recipient=digest_of("004915112345123")) == ["text"]
    assert await found(history, error="no SUCH") == ["ada"]
    assert await found(history, error="timelimit") == ["slow"]
    assert await found(history, error="0% of its time_") == ["slow"]
    assert await found(history, error="0%its") == []
    assert await found(history, queue="sms.send") == ["text"]
    window = {"since": NOON + timedelta(minutes=1), "until": NOON + timedelta(minutes=2)}
    assert await found(history, **window) == ["ada"]  # a try of it, though not its last
    assert [each.recipients for each in await history.find(MessageQuery(queue="sms.send"))] == [("+49•••••123",)]


async def test_events_nobody_failed_on_are_found_when_they_are_asked_for(log: SqlEventLog, history: SqlHistory) -> None:
    await log.record(event("user.created", "u-1", 1))
    await log.record(event("user.created", "u-2", 2))
    heard = {"kind": "user.created", "queue": "email.on.user.created"}
    await record(log, make_try("u-2", 3, "dead", **heard))

    assert await found(history) == ["u-2"]
    assert await found(history, kind="user.created") == ["u-2", "u-1"]
    assert await found(history, state="published") == ["u-1"]
    assert await found(history, state="published", since=NOON + timedelta(minutes=2)) == []


async def test_one_id_is_enough_and_the_first_characters_of_it(log: SqlEventLog, history: SqlHistory) -> None:
    await record(log, make_try("e8342c6f-1", 1), make_try("e8342c6f-2", 2), make_try("e834", 3), make_try("a%b_c", 4))

    async def ids(wanted: str) -> list[str]:
        return [each.message_id for each in await history.timelines(wanted)]

    assert await ids("e834") == ["e834"]
    assert await ids("e8342c6f-2") == ["e8342c6f-2"]
    assert await ids("a%b_") == ["a%b_c"]
    with pytest.raises(AmbiguousId, match=r"e8342c6f-1, e8342c6f-2"):
        await ids("e8342")
    for unknown in ("e8342c6f-3", "E8342C6F-1", "a%b", "%%%%", "a_%b"):
        with pytest.raises(UnknownId):
            await ids(unknown)


async def test_a_correlation_is_the_stories_of_its_messages_in_their_order(
    log: SqlEventLog, history: SqlHistory
) -> None:
    await log.record(event("user.created", "u-1", 1, "order-7"))
    published = NOON - timedelta(minutes=3)
    await record(
        log,
        make_try("m-2", 0, "dead", correlation_id="order-7"),
        make_try("m-1", 2, correlation_id="order-7", published_at=published),
        make_try("m-3", 3, correlation_id="order-8"),
    )

    timelines = await history.timelines("order-7")

    assert [each.message_id for each in timelines] == ["m-1", "m-2", "u-1"]
    assert [each.outcomes for each in timelines] == [
        ["done after 1 try, 5 min after it was published"],
        ["dead after 1 try; it waits in email.send.dead"],
        ["no try of it is recorded: of most kinds only those are kept that failed"],
    ]


async def test_a_try_that_is_told_twice_is_one(log: SqlEventLog, history: SqlHistory) -> None:
    tries = [make_try(f"m-{number}", number, recipients=to("ada@example.com")) for number in range(20)]

    await asyncio.gather(*(record(log, *tries) for _ in range(3)), record(log, *reversed(tries)))

    all_of_them = await history.find(MessageQuery(recipient=digest_of("ada@example.com"), limit=100))
    assert [each.tries for each in all_of_them] == [1] * 20


async def test_what_another_program_tells_is_masked_and_cut(log: SqlEventLog, history: SqlHistory) -> None:
    recipients = [Recipient(masked=f"ada{number}@example.com", digest=f"d-{number}") for number in range(12)]
    told = {"error": "password=canary-4711 for ada@example.com " + "x" * 5000, "recipients": recipients}
    await record(log, make_try("m\0-1", 1, "dead", **told, attempt=10**30))

    [story] = await history.timelines("m-1")

    assert story.recipients == ["a•••@example.com", "… 2 more"]
    error = story.lines[-1].error or ""
    assert error == "Refused: password=••• for a•••@example.com… (5041 characters)"
    assert await found(history, recipient="d-11") == ["m\0-1".replace("\0", "")]


async def test_rows_from_before_stay_and_count_as_told(database_url: str, tmp_path: Path) -> None:
    database = service_database(database_url, "email")
    await database.migrate()

    def back_to_the_first_version(connection: Connection) -> None:
        connection.execute(text("DROP INDEX ix_history_untold"))
        new = {"try_id", "kind", "app_id", "published_at", "attempts", "place", "next_at", "recipients", "holder"}
        for name in (*new, "is_told"):
            connection.execute(text(f"ALTER TABLE history DROP COLUMN {name}"))
        connection.execute(
            text("UPDATE alembic_version SET version_num = 'runtime_0001' WHERE version_num LIKE 'run%'")
        )
        row = "'2026-11-25 12:00:00', 'email.send', 'm', 1, 0, 'dead', 1.5"
        names = "at, queue, message_id, attempt, replays, outcome, milliseconds"
        connection.execute(text(f"INSERT INTO history ({names}) VALUES ({row})"))  # noqa: S608

    await database.run(back_to_the_first_version)
    await database.migrate()

    rows = await database.run(
        lambda connection: connection.execute(text("SELECT message_id, is_told, try_id FROM history")).all()
    )
    assert [(row.message_id, bool(row.is_told), row.try_id) for row in rows] == [("m", True, None)]
    indexes = await database.run(lambda connection: inspect(connection).get_indexes("history"))
    assert "ix_history_untold" in {each["name"] for each in indexes}
    await database.close()


def test_what_is_wanted_must_make_sense() -> None:
    with pytest.raises(ValueError, match="state"):
        MessageQuery.model_validate_json(json.dumps({"state": "lost"}))
