"""What becomes of a message that was tried, case by case: the whole table of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postroom import wire
from postroom.runtime.failure import Failure
from postroom.runtime.inbox import Claim, ClaimState
from postroom.runtime.processing.verdict import (
    INTERNAL_ERROR,
    TAKEN_BACK,
    Ending,
    InboxEntry,
    Publication,
    Verdict,
    decide,
    decide_early,
)
from postroom.runtime.work import Work
from postroom.testing import make_delivery
from postroom.wire import errors
from postroom.wire.errors import (
    Expired,
    InvalidMessage,
    JobError,
    KilledWorker,
    PermanentFailure,
    Postponed,
    PostroomError,
    ProviderUnavailable,
    Requeued,
    TemporaryFailure,
    Throttled,
    TimeLimitExceeded,
)
from postroom.wire.messages import JobRecorded
from postroom.worker import Keep
from postroom.worker.delivery import Delivery
from tests.support.verdicts import (
    ATTEMPTS,
    DONE,
    EVERYTHING,
    FIRST_WAIT,
    JOB_FAILED,
    MINUTE,
    REPLAYED,
    REQUEUED,
    SUBSCRIPTIONS,
    TICK,
    WEIGH,
    dead,
    make_work,
    postponed_by_handler,
    requeued,
    retried,
)

JOB_ERRORS: dict[type[JobError], tuple[JobError, Callable[[BaseException], Verdict]]] = {
    JobError: (JobError("odd"), retried()),
    Postponed: (Postponed("not now", wait=MINUTE), postponed_by_handler(MINUTE)),
    Requeued: (Requeued("as it is"), requeued),
    TemporaryFailure: (TemporaryFailure("busy"), retried()),
    TimeLimitExceeded: (TimeLimitExceeded("too slow"), retried()),
    ProviderUnavailable: (ProviderUnavailable("refused"), retried()),  # where needs_provider is off, or it is to blame
    Throttled: (Throttled("429", retry_after=MINUTE), retried(MINUTE)),
    PermanentFailure: (PermanentFailure("never"), dead()),
    InvalidMessage: (InvalidMessage("to: none"), dead()),
    Expired: (Expired("too late"), dead()),
    KilledWorker: (KilledWorker("again"), dead()),
}
ALL_ERRORS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, PostroomError)]


def test_every_error_a_handler_may_raise_has_its_line() -> None:
    assert {each for each in ALL_ERRORS if issubclass(each, JobError)} == JOB_ERRORS.keys()


@pytest.mark.parametrize(("error", "expected"), JOB_ERRORS.values(), ids=lambda value: type(value).__name__)
def test_the_class_of_the_error_decides(error: JobError, expected: Callable[[BaseException], Verdict]) -> None:
    assert decide(make_work(), error) == expected(error)


@pytest.mark.parametrize(
    "error",
    [
        *[each("told by the broker") for each in ALL_ERRORS if not issubclass(each, JobError)],
        ValueError("a bug"),
        TimeoutError(),
        OSError("no route"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_other_error_is_tried_again_and_dies_in_the_end(error: Exception) -> None:
    assert decide(make_work(), error) == retried()(error)
    assert decide(make_work(headers={wire.X_ATTEMPT: ATTEMPTS - 1}), error) == dead()(error)


BUSY = TemporaryFailure("busy")
SLOW_DOWN = TemporaryFailure("slow down", retry_after=MINUTE)


@pytest.mark.parametrize(
    ("headers", "error", "expected"),
    [
        ({}, BUSY, retried()),
        ({wire.X_ATTEMPT: 1}, BUSY, retried(FIRST_WAIT * 2)),
        ({wire.X_ATTEMPT: 2}, BUSY, dead()),
        ({wire.X_ATTEMPT: 2}, TimeLimitExceeded("too slow"), dead()),
        ({wire.X_ATTEMPT: 99}, BUSY, dead()),
        (REPLAYED, BUSY, retried()),  # with fresh attempts
        ({}, SLOW_DOWN, retried(MINUTE)),
        ({}, TemporaryFailure("soon", retry_after=timedelta(seconds=1)), retried()),  # not earlier than its backoff
        ({wire.ATTEMPTS: 1}, BUSY, dead(1)),
        ({wire.ATTEMPTS: 5, wire.X_ATTEMPT: 3}, BUSY, retried(FIRST_WAIT * 8, 5)),
        ({wire.BACKOFF: "fixed", wire.BACKOFF_SECONDS: 7, wire.X_ATTEMPT: 1}, BUSY, retried(timedelta(seconds=7))),
        ({wire.X_ATTEMPT: 2}, Postponed("not now", wait=MINUTE), postponed_by_handler(MINUTE)),  # uses no attempt
        ({wire.X_ATTEMPT: 2}, Requeued("as it is"), requeued),
    ],
)
def test_attempts_are_counted_and_waits_are_kept(
    headers: dict[str, Any], error: Exception, expected: Callable[[BaseException], Verdict]
) -> None:
    assert decide(make_work(headers=headers), error) == expected(error)


@pytest.mark.parametrize(
    ("queue", "headers", "is_announced"),
    [
        (WEIGH, {}, False),
        (WEIGH, TICK, True),
        (WEIGH, REPLAYED, True),
        (WEIGH, {wire.X_REPLAYS: 1}, True),
        (WEIGH, {wire.X_ATTEMPT: 1}, False),
        (JOB_FAILED, TICK, False),  # an event of a tick is no job of one
        (JOB_FAILED, REPLAYED, True),
        (EVERYTHING, {**TICK, **REPLAYED}, False),  # a raw reader's messages carry headers about something else
        (wire.ALERTING_QUEUE, REPLAYED, False),
    ],
)
def test_the_end_of_a_tick_s_job_and_of_what_had_been_dead_is_announced(
    queue: str, headers: dict[str, Any], is_announced: bool
) -> None:
    verdict = decide(make_work(queue, headers), None)
    again = decide_early(make_work(queue, headers, claim=Claim(ClaimState.DONE)))

    assert replace(verdict, in_history=False) == replace(DONE, announces_completion=is_announced)
    assert again == Verdict(Ending.ACKNOWLEDGED, "duplicate", announces_completion=is_announced)


@pytest.mark.parametrize(
    ("history", "headers", "error", "is_recorded"),
    [
        (Keep.ON_FAILURE, {}, None, False),
        (Keep.ON_FAILURE, {}, BUSY, True),
        (Keep.ON_FAILURE, {wire.X_ATTEMPT: 1}, None, True),  # the end of what failed before
        (Keep.ON_FAILURE, REPLAYED, None, True),
        (Keep.ALWAYS, {}, None, True),
        (Keep.NEVER, {wire.X_ATTEMPT: 1}, None, False),
        (Keep.NEVER, {}, BUSY, False),
        (Keep.NEVER, {}, PermanentFailure("never"), False),
        (Keep.ALWAYS, {}, Postponed("not now", wait=MINUTE), False),
        (Keep.ALWAYS, {}, Requeued("as it is"), False),
    ],
)
def test_what_is_recorded_of_a_try_is_the_queue_s_choice(
    history: Keep, headers: dict[str, Any], error: Exception | None, is_recorded: bool
) -> None:
    assert decide(make_work(headers=headers, history=history), error).in_history is is_recorded


@pytest.mark.parametrize("error", [None, BUSY, PermanentFailure("never")])
def test_work_on_reports_of_work_is_neither_measured_nor_recorded(error: Exception | None) -> None:
    work = make_work(EVERYTHING, history=Keep.ALWAYS, exchange=wire.EVENTS, routing_key=JobRecorded.kind)

    verdict = decide(work, error)

    assert (verdict.is_measured, verdict.in_history) == (False, False)


def test_alerting_s_own_dead_letters_go_past_it() -> None:
    error = ValueError("a bug")

    assert decide(make_work(wire.ALERTING_QUEUE, REPLAYED), error) == Verdict(
        Ending.DEAD_LETTERED,
        "dead",
        failure=Failure(error, 1),
        inbox=InboxEntry.FORGOTTEN,
        is_measured=True,
    )


def test_a_listener_of_job_failed_dies_as_any_other() -> None:
    error = PermanentFailure("never")

    assert decide(make_work(JOB_FAILED), error) == dead()(error)


def test_what_nobody_could_read_has_one_try() -> None:
    work, error = Work(SUBSCRIPTIONS[WEIGH], make_delivery(b"{")), InvalidMessage("body: not JSON")

    assert decide(work, error) == dead(1)(error)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), Requeued("the service stops")])
@pytest.mark.parametrize("headers", [{}, {wire.X_ATTEMPT: ATTEMPTS}, REPLAYED, TICK])
def test_what_is_cancelled_goes_back_as_it_is(error: BaseException, headers: dict[str, Any]) -> None:
    assert decide(make_work(headers=headers), error) == REQUEUED


@pytest.mark.parametrize("verdict", [TAKEN_BACK, INTERNAL_ERROR, REQUEUED])
def test_what_comes_again_leaves_nothing_behind(verdict: Verdict) -> None:
    assert verdict.publication is Publication.NOTHING
    assert verdict.inbox is InboxEntry.FORGOTTEN
    assert verdict.ending not in (Ending.ACKNOWLEDGED, Ending.DEAD_LETTERED)
    assert [verdict.in_history, verdict.is_measured, verdict.announces_completion] == [False] * 3


def test_deciding_changes_nothing() -> None:
    work = make_work(headers=REPLAYED)
    before: Delivery = replace(work.delivery)

    decide_early(work)
    decide(work, BUSY)

    assert work.delivery == before
