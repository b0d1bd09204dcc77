"""The topology as an AsyncAPI 3 document: what may be published where, and which service takes it."""

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any

from postroom import wire
from postroom.wire.messages import Job, Message
from postroom.worker.registration import Subscription

HEADERS: Mapping[str, Any] = {
    "type": "object",
    "description": "All optional.",
    "properties": {
        wire.ATTEMPTS: {"type": "integer", "minimum": 1, "description": "Tries in all, this message only."},
        wire.BACKOFF: {"enum": ["fixed", "exponential"], "description": "The wait between tries."},
        wire.BACKOFF_SECONDS: {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "The first wait; exponential doubles it each time.",
        },
        wire.DELAY_SECONDS: {"type": "number", "minimum": 0, "description": "Do it that much later."},
        wire.EXPIRES_AT: {
            "type": "string",
            "format": "date-time",
            "description": "Never done after this; ends as a dead letter with error Expired.",
        },
        wire.TRACEPARENT: {"type": "string", "description": "W3C trace context, continued."},
        wire.TRACESTATE: {"type": "string"},
    },
}


def asyncapi(
    contracts: Mapping[str, type[Message]], subscriptions: Iterable[Subscription], version: str
) -> dict[str, Any]:
    """The document. Payloads refer to `<kind>.json` in the folder that holds it."""
    readers = [each for each in subscriptions if each.model is not None]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Postroom",
            "version": version,
            "description": "Publish JSON to RabbitMQ: commands to the exchange `jobs`, facts to `events`, with "
            "the kind as routing key.",
        },
        "defaultContentType": wire.JSON,
        "channels": {kind: _channel(kind, model) for kind, model in sorted(contracts.items())},
        "operations": {each.queue: _operation(each) for each in sorted(readers, key=lambda each: each.queue)},
        "components": {
            "messages": {kind: _message(kind, model) for kind, model in sorted(contracts.items())},
            "schemas": {"headers": HEADERS},
        },
    }


def _channel(kind: str, model: type[Message]) -> dict[str, Any]:
    exchange = wire.JOBS if issubclass(model, Job) else wire.EVENTS
    return {
        "address": kind,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
            }
        },
    }


def _operation(reader: Subscription) -> dict[str, Any]:
    return {
        "action": "receive",
        "title": f"{reader.service} takes {reader.binding_key} from the queue {reader.queue}",
        "channel": {"$ref": f"#/channels/{reader.binding_key}"},
    }


def _message(kind: str, model: type[Message]) -> dict[str, Any]:
    return {
        "name": kind,
        "title": model.__name__,
        "summary": cleandoc(model.__doc__ or "").partition("\n\n")[0],
        "contentType": wire.JSON,
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"./{kind}.json"},
    }
