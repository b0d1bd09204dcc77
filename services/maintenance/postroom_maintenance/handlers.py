"""The chores as jobs. Each may take long, so each is done one at a time, and again from where it was."""

from datetime import timedelta

from postroom.wire.messages import Archive, BackUp, Clean, RefreshTokens
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Worker
from postroom.worker.registration import Keep
from postroom_maintenance.archiving import Archiver
from postroom_maintenance.back_ups import BackUps
from postroom_maintenance.cleaning import Cleaner
from postroom_maintenance.token_refresh import TokenRefresher

worker = Worker("maintenance")

CHORE = {
    # 8 tries wait 1 + 2 + … + 64 min: 2 h
    "retry": RetryPolicy(attempts=8, backoff=exponential(timedelta(minutes=1))),
    "prefetch": 1,
    "time_limit": timedelta(minutes=25),  # under the broker's acknowledgement time-out of 30
    "history": Keep.ALWAYS,
    "needs_provider": False,  # an outage that one job meets says nothing about another job's provider
}


@worker.handles(Clean, **CHORE)
async def clean(job: Clean, cleaner: Cleaner) -> None:
    """Delete what is old."""
    await cleaner.clean(job.target, job.older_than_days)


@worker.handles(BackUp, **CHORE)
async def back_up(job: BackUp, back_ups: BackUps) -> None:
    """Back databases up, and prove it."""
    await back_ups.back_up(job.target)


@worker.handles(Archive, **CHORE)
async def archive(job: Archive, archivist: Archiver) -> None:
    """Move old history into the storage."""
    await archivist.archive(job.older_than_days, job.target)


@worker.handles(RefreshTokens, **CHORE)
async def refresh_tokens(job: RefreshTokens, refresher: TokenRefresher) -> None:
    """Get new access tokens."""
    await refresher.refresh(job.name)
