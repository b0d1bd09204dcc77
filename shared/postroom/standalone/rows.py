"""Messages as rows: how they are written, and read again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Row, Table

from postroom.broker.publishing import Outgoing
from postroom.standalone.routing import Target
from postroom.standalone.tables import LocalMessageRow
from postroom.wire.broker_headers import DEATHS, deaths_of
from postroom.worker.delivery import Delivery

messages: Table = LocalMessageRow.__table__  # type: ignore[attr-defined]


def row_of(outgoing: Outgoing, target: Target) -> dict[str, Any]:
    """The copy of a message that goes to `target`."""
    return {
        "queue": target.queue,
        "state": target.state,
        "due_at": datetime.now(UTC) + target.wait,
        "deliveries": 0,
        "exchange": outgoing.exchange,
        "routing_key": outgoing.routing_key,
        "body": outgoing.body,
        "headers": headers_as_text(outgoing.headers),
        "message_id": outgoing.message_id,
        "content_type": outgoing.content_type,
        "correlation_id": outgoing.correlation_id,
        "app_id": outgoing.app_id,
        "timestamp": outgoing.timestamp and outgoing.timestamp.astimezone(UTC),
    }


def outgoing_of(row: Row[Any]) -> Outgoing:
    """The message as it was published."""
    return Outgoing(
        exchange=row.exchange,
        routing_key=row.routing_key,
        body=row.body,
        message_id=row.message_id,
        headers=orjson.loads(row.headers),
        content_type=row.content_type,
        correlation_id=row.correlation_id,
        app_id=row.app_id,
        timestamp=row.timestamp and row.timestamp.replace(tzinfo=UTC),
    )


def delivery_of(row: Row[Any]) -> Delivery:
    """The message as its reader gets it; its tag is the row's id."""
    return Delivery(
        queue=row.queue,
        body=row.body,
        message_id=row.message_id,
        content_type=row.content_type,
        headers=orjson.loads(row.headers),
        exchange=row.exchange,
        routing_key=row.routing_key,
        tag=row.id,
        redelivered=row.deliveries > 0,
        correlation_id=row.correlation_id,
        app_id=row.app_id,
        timestamp=row.timestamp and row.timestamp.replace(tzinfo=UTC),
    )


def headers_as_text(headers: Mapping[str, Any]) -> str:
    """Headers as JSON; what JSON does not have becomes text."""
    return orjson.dumps(dict(headers), default=str).decode()


def buried_headers(row: Row[Any], reason: str) -> dict[str, Any]:
    """The headers of a message that nobody gave a reason for, with the record that RabbitMQ makes of such a death."""
    headers: dict[str, Any] = orjson.loads(row.headers)
    death = {
        "queue": row.queue,
        "reason": reason,
        "count": 1,
        "exchange": row.exchange,
        "routing-keys": [row.routing_key],
        "time": datetime.now(UTC).isoformat(),
    }
    return {**headers, DEATHS: [death, *deaths_of(headers)]}
