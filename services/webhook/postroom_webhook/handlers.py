"""What the webhook service does: one function per kind of message."""

from datetime import timedelta
from uuid import uuid4

from postroom.wire.messages import DeliverWebhook, SyncSource
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Worker
from postroom.worker.delivery import Delivery
from postroom_webhook.sync.syncer import Syncer
from postroom_webhook.webhook_sender import WebhookSender

worker = Worker("webhook")

# 16 tries wait 2 + 4 + … + 2048 s, then four times an hour: 5 h 8 min in all, an outage of an afternoon.
PATIENT = RetryPolicy(attempts=16, backoff=exponential(timedelta(seconds=2)))

PREFETCH = 400
"""What one host may hold of it, and why the others do not notice: host_limits.py. At most 400 of 320 KiB = 125 MiB."""

# Waiting for a turn and the call itself: twice WEBHOOK_TIMEOUT_SECONDS, 60 at most, and a minute for the database.
TIME_LIMIT = timedelta(minutes=3)


@worker.handles(DeliverWebhook, retry=PATIENT, prefetch=PREFETCH, time_limit=TIME_LIMIT)
async def deliver_webhook(job: DeliverWebhook, webhook_sender: WebhookSender, delivery: Delivery) -> None:
    """Call a URL, signed."""
    await webhook_sender.deliver(job, delivery)


# A sync gives its place away after 10 min (syncer.LONGEST_TURN) and a page of 4 min at most.
@worker.handles(SyncSource, retry=PATIENT, prefetch=5, time_limit=timedelta(minutes=20))
async def sync_source(job: SyncSource, syncer: Syncer) -> None:
    """Publish what changed in external data."""
    await syncer.sync(job, holder=job.id or str(uuid4()))
