"""What becomes of a message before it is begun."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom import wire
from postroom.runtime.inbox import MOST_DEATHS, Claim, ClaimState
from postroom.runtime.processing.verdict import (
    CLAIM_RETRY,
    Ending,
    Publication,
    Verdict,
    decide,
    decide_early,
)
from postroom.runtime.work import Work
from postroom.testing import make_delivery
from postroom.wire.errors import (
    KilledWorker,
)
from tests.support.verdicts import GRANTED, JOB_FAILED, MINUTE, SUBSCRIPTIONS, WEIGH, make_work, postponed


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (None, None),
        (GRANTED, None),
        (Claim(ClaimState.GRANTED, deaths=MOST_DEATHS - 1), None),
        (Claim(ClaimState.DONE), Verdict(Ending.ACKNOWLEDGED, "duplicate")),
        (Claim(ClaimState.HELD), postponed(CLAIM_RETRY)),
    ],
)
def test_the_inbox_says_whether_there_is_anything_to_do(claim: Claim | None, expected: Verdict | None) -> None:
    assert decide_early(make_work(claim=claim)) == expected


@pytest.mark.parametrize("queue", [WEIGH, wire.ALERTING_QUEUE])
def test_what_killed_five_workers_is_not_begun_again(queue: str) -> None:
    verdict = decide_early(make_work(queue, claim=Claim(ClaimState.GRANTED, deaths=MOST_DEATHS)))

    assert verdict is not None
    assert verdict.failure is not None
    assert isinstance(verdict.failure.error, KilledWorker)
    expected = decide(make_work(queue, {wire.ATTEMPTS: MOST_DEATHS}), verdict.failure.error)
    assert replace(verdict, failure=None) == replace(expected, failure=None)
    assert verdict.failure.attempts == MOST_DEATHS


FAR = timedelta(days=30)


@pytest.mark.parametrize(
    ("queue", "headers", "expected"),
    [
        (WEIGH, {wire.DELAY_SECONDS: 60}, postponed(MINUTE)),
        (WEIGH, {wire.DELAY_SECONDS: 0}, None),
        (WEIGH, {wire.DELAY_SECONDS: FAR.total_seconds()}, postponed(FAR, Publication.DEFERRED)),
        (JOB_FAILED, {wire.DELAY_SECONDS: FAR.total_seconds()}, postponed(FAR)),  # the scheduler publishes jobs only
        (WEIGH, {wire.RUN_AT: "2026-06-01T12:01:00Z"}, postponed(MINUTE, Publication.DEFERRED)),
        (JOB_FAILED, {wire.RUN_AT: "2026-06-01T12:01:00Z"}, postponed(MINUTE)),
        (WEIGH, {wire.RUN_AT: "2026-06-01T11:59:00Z"}, None),
        (WEIGH, {wire.EXPIRES_AT: "2026-06-01T11:59:00Z"}, None),  # seen as late as the handler's turn
    ],
)
def test_what_asks_for_a_later_time_waits(queue: str, headers: dict[str, Any], expected: Verdict | None) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()

    assert decide_early(make_work(queue, headers, claim=None, received_at=noon)) == expected


@pytest.mark.parametrize(("exchange", "is_probe"), [("", True), (wire.JOBS, False)])
def test_a_probe_of_the_topology_is_left_to_the_broker_s_own_dead_lettering(exchange: str, is_probe: bool) -> None:
    work = Work(SUBSCRIPTIONS[WEIGH], make_delivery(b"", headers={wire.X_PROBE: "1"}, exchange=exchange))

    assert decide_early(work) == (Verdict(Ending.DEAD_LETTERED) if is_probe else None)
