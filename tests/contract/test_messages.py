"""The contracts as other programs see them: golden messages, their schemas, and the names on the wire.

Each file in `messages/` is a message as somebody publishes it. It may be added to; a change to one is a break of
the contract.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from postroom import wire
from postroom.operator.cli.schema import schema_of
from postroom.wire.messages import KINDS, Event, GenerateReport, Job, Message, SendEmail, UserCreated, describe_problems
from tests.support.json_schema import is_valid

GOLDEN = {path.stem: path for path in sorted((Path(__file__).parent / "messages").glob("*.json"))}


def kind_of(name: str) -> type[Message]:
    """`email.send.template` is another message of the kind `email.send`."""
    return KINDS.get(name) or KINDS[name.rpartition(".")[0]]


def golden(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(GOLDEN[name].read_text())
    return content


def test_every_kind_has_a_golden_message() -> None:
    assert {kind_of(name).kind for name in GOLDEN} == set(KINDS)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_message_is_read_and_written_without_a_change(name: str) -> None:
    content = golden(name)

    message = kind_of(name).model_validate_json(GOLDEN[name].read_bytes())

    assert message.to_wire() == content
    assert kind_of(name).model_validate(message.to_wire()) == message


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_message_is_what_its_schema_describes(name: str) -> None:
    schema = schema_of(kind_of(name))
    content = golden(name)

    assert is_valid(schema, content)
    assert is_valid(schema, content | {"added_in_2030": [1, {}]})
    for field in schema.get("required", []):
        assert not is_valid(schema, {name: value for name, value in content.items() if name != field})
    for field in content.keys() & schema["properties"].keys():
        assert not is_valid(schema, content | {field: {"not": [True]}}) or field in FREE_FORM


FREE_FORM = {"context", "parameters", "body"}  # any object will do


@pytest.mark.parametrize("name", GOLDEN)
def test_what_the_schema_requires_the_worker_requires_and_the_other_way_round(name: str) -> None:
    model, content = kind_of(name), golden(name)
    required = set(schema_of(model).get("required", []))

    for field in content:
        without = {key: value for key, value in content.items() if key != field}
        try:
            model.model_validate(without)
        except ValidationError as error:
            problems = describe_problems(error)
            assert field in required or "give " in problems, problems  # or one of several: subject or template
        else:
            assert field not in required


@pytest.mark.parametrize("name", GOLDEN)
def test_unknown_fields_are_kept(name: str) -> None:
    content = golden(name) | {"x_new": {"a": [1]}}

    assert kind_of(name).model_validate(content).to_wire() == content


@pytest.mark.parametrize(
    ("model", "short", "full"),
    [
        (
            SendEmail,
            {"to": "a@b.example", "subject": "s", "body": "b"},
            {"to": ["a@b.example"], "subject": "s", "body": "b"},
        ),
        (GenerateReport, {"type": "t", "initiated_by": "me"}, {"type": "t", "initiatedBy": "me"}),
    ],
)
def test_what_may_be_written_in_two_ways_is_the_same(
    model: type[Message], short: dict[str, Any], full: dict[str, Any]
) -> None:
    assert model.model_validate(short) == model.model_validate(full)
    assert model.model_validate(short).to_wire() == full


def test_only_what_was_said_is_published() -> None:
    assert UserCreated(id=1, email="ada@example.com").to_wire() == {"id": 1, "email": "ada@example.com"}


@pytest.mark.parametrize(("kind", "model"), KINDS.items())
def test_kinds_are_named_as_the_wire_says(kind: str, model: type[Message]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[a-z]+([_-][a-z]+)*)+", kind)
    assert model.kind == kind
    assert issubclass(model, Job) != issubclass(model, Event)


def test_the_names_on_the_wire_are_these() -> None:
    names = {name: value for name, value in vars(wire).items() if name.isupper() and isinstance(value, str | int)}

    assert names == {
        "JOBS": "jobs",
        "EVENTS": "events",
        "DEAD_LETTERS": "dead-letters",
        "UNROUTED": "unrouted",
        "DELAY": "delay",
        "DELAY_DUE": "delay.due",
        "ALERTING_QUEUE": "alerting",
        "UNROUTED_QUEUE": "unrouted",
        "DEAD_SUFFIX": ".dead",
        "EVERY_EVENT": "all",
        "MAX_BODY_BYTES": 262_144,
        "MAX_DEPTH": 16,
        "MAX_HEADERS": 100,
        "MAX_SHORT_BYTES": 255,
        "MAX_ERROR_BYTES": 1024,
        "DELIVERY_LIMIT": 20,
        "JSON": "application/json",
        "CLOUDEVENTS": "application/cloudevents+json",
        "ATTEMPTS": "attempts",
        "BACKOFF": "backoff",
        "BACKOFF_SECONDS": "backoff-seconds",
        "DELAY_SECONDS": "delay-seconds",
        "EXPIRES_AT": "expires-at",
        "RUN_AT": "run-at",
        "TRACEPARENT": "traceparent",
        "TRACESTATE": "tracestate",
        "X_ATTEMPT": "x-attempt",
        "X_ATTEMPTS": "x-attempts",
        "X_ERROR_TYPE": "x-error-type",
        "X_ERROR": "x-error",
        "X_ERROR_AT": "x-error-at",
        "X_FAILED_AT": "x-failed-at",
        "X_SERVICE": "x-service",
        "X_QUEUE": "x-queue",
        "X_EXCHANGE": "x-exchange",
        "X_ROUTING_KEY": "x-routing-key",
        "X_FIRST_SEEN_AT": "x-first-seen-at",
        "X_REPLAYS": "x-replays",
        "X_REPLAY_RUN": "x-replay-run",
        "X_SCHEDULE": "x-schedule",
        "X_FIRE_TIME": "x-fire-time",
        "X_PROBE": "x-postroom-probe",
    }
    assert wire.dead_queue("email.send") == "email.send.dead"
    assert wire.listener_queue("email", "user.created") == "email.on.user.created"
