"""Delivers one webhook. The steps:

1. What can be wrong with the job itself is found before anything is sent.
2. A host that has its share of calls under way sends the message back to the delay ladder (host_limits.py).
3. The call is signed at the moment it is made: receivers refuse old time stamps.
4. The attempt is written down, then the answer decides. A process that dies in between calls again, with the same
   webhook-id, by which the receiver recognises the repetition.
"""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from postroom.wire.errors import JobError
from postroom.wire.messages import DeliverWebhook
from postroom.worker import Delivery
from postroom_webhook.attempts import Attempt, AttemptLog, kept_text
from postroom_webhook.caller import Caller, HttpRequest, HttpResponse
from postroom_webhook.headers import check_headers
from postroom_webhook.host_limits import HostLimits
from postroom_webhook.responses import failure_of
from postroom_webhook.signing import Secrets, webhook_id_of
from postroom_webhook.urls import parse_target


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Delivers webhooks.

    Attributes:
        caller: makes the calls.
        host_limits: each host has its share of the calls.
        secrets: sign.
        attempts: where each try is written down.
        time_limit: for one call in all.
    """

    caller: Caller
    host_limits: HostLimits
    secrets: Secrets
    attempts: AttemptLog
    time_limit: timedelta

    async def deliver(self, job: DeliverWebhook, delivery: Delivery) -> None:
        """Call the job's URL once. Raises what errors.py lists."""
        request = self._unsigned(job)
        async with self.host_limits.turn(request.target.place):
            began, at = time.perf_counter(), datetime.now(UTC)
            response, failure = await self._try(self._signed(request, job, delivery, at))
        seconds = time.perf_counter() - began
        await self.attempts.record(_attempt(request, delivery, at, seconds, response, failure))
        if failure is not None:
            raise failure

    def _unsigned(self, job: DeliverWebhook) -> HttpRequest:
        target = parse_target(job.url)
        check_headers(job.headers)
        self.secrets.check(job.secret_name)
        body = None if job.body is None else orjson.dumps(job.body)
        headers = dict(job.headers)
        if body is not None and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
        return HttpRequest(job.method, target, headers, body, self.time_limit)

    def _signed(self, request: HttpRequest, job: DeliverWebhook, delivery: Delivery, at: datetime) -> HttpRequest:
        webhook_id = webhook_id_of(delivery.ensure_id())
        signature = self.secrets.headers(job.secret_name, webhook_id, at, request.body or b"")
        return replace(request, headers={**request.headers, **signature})

    async def _try(self, request: HttpRequest) -> tuple[HttpResponse | None, JobError | None]:
        try:
            response = await self.caller.call(request)
        except JobError as error:
            return None, error
        return response, failure_of(response, request.target.place, datetime.now(UTC))


def _attempt(
    request: HttpRequest,
    delivery: Delivery,
    at: datetime,
    seconds: float,
    response: HttpResponse | None,
    failure: JobError | None,
) -> Attempt:
    encoding = response.headers.get("content-encoding") if response else None
    return Attempt(
        message_id=delivery.ensure_id(),
        attempt=delivery.attempt,
        replays=delivery.replays,
        at=at,
        host=request.target.place,
        path=request.target.url.path,
        status=response.status if response else None,
        error=f"{type(failure).__name__}: {failure}" if failure else None,
        response=kept_text(response.body, encoding) if response else "",
        milliseconds=round(seconds * 1000),
    )
