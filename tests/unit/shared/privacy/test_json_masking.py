"""One masking of JSON: what the history keeps, alerting stores and `dead show` prints hides the same."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from postroom.privacy.json_masking import CUT, MaskingLimits, masked_fields, masked_string
from postroom.privacy.payload import masked_payload
from postroom.privacy.redaction import HIDDEN
from postroom_audit.contents import kept_body, kept_fields

Shows = Callable[[dict[str, Any]], str]

PLACES: dict[str, Shows] = {
    "the history": kept_fields,
    "the history, of an edited dead letter": lambda fields: kept_body(json.dumps(fields)),
    "alerting and dead show": lambda fields: masked_payload(json.dumps(fields).encode()),
}

everywhere = pytest.mark.parametrize("shows", PLACES.values(), ids=PLACES)
CANARY = "canary-4711-secret"


@everywhere
@pytest.mark.parametrize(
    ("fields", "hidden"),
    [
        ({"text": "your code is 482913"}, "482913"),
        ({"text": "482913 is your code"}, "482913"),
        ({"note": "card 4111111111111111"}, "4111111111111111"),
        ({"note": "IBAN DE89 3704 0044 0532 0130 00"}, "3704"),
        ({"account": 491511234567}, "491511234567"),
        ({"account": "12345678"}, "12345678"),
        ({"text": f"otp={CANARY}&x=1"}, CANARY),
        ({"text": f'{{"token": "{CANARY}'}, CANARY),
        ({"text": f"code: '{CANARY}'"}, CANARY),
        ({"url": f"https://s3.example.com/r/1.pdf?X-Amz-Signature={CANARY}"}, CANARY),
        ({"url": f"amqp://user:{CANARY}@broker/"}, CANARY),
        ({"email": "ada@example.com"}, "ada@example.com"),
        ({"by": {"ada@example.com": 1}}, "ada@example.com"),
        ({"notes": ["call +49 151 1234567"]}, "1234567"),
        ({"phone": "+4915112345123"}, "15112345"),
        ({"phone": "0151.1234.567"}, "1234"),
        ({"mobile_number": "15550100123"}, "100123"),
        ({"msisdn": 15550100123}, "100123"),
        ({"phones": ["15550100123"]}, "100123"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_the_same_is_hidden_everywhere(shows: Shows, fields: dict[str, Any], hidden: str) -> None:
    assert hidden not in shows(fields)
    assert hidden not in shows({"deep": [{"x": fields}]})


@everywhere
@pytest.mark.parametrize(
    "name", ["code", "otp_code", "otp", "pin", "reset_url", "token", "password", "api_key", "new_password", "cookie"]
)
def test_what_is_called_a_secret_is_hidden_at_any_depth(shows: Shows, name: str) -> None:
    assert json.loads(shows({"id": 7, name: CANARY, "more": [{name: [CANARY], "kept": 1}]})) == {
        "id": 7,
        name: HIDDEN,
        "more": [{name: HIDDEN, "kept": 1}],
    }


@everywhere
def test_what_explains_a_message_stays(shows: Shows) -> None:
    fields = {
        "job_id": "12345678-7f11-4d0e-9d0a-6c0b5f0e3a53",
        "at": "2026-11-24T02:10:00Z",
        "day": "2026-11-24",
        "template": "welcome",
        "attempt": 3,
        "cents": 129_900,
        "has_phone": True,
        "phone": None,
        "password": None,
    }

    assert json.loads(shows(fields)) == fields


@everywhere
def test_masking_again_changes_nothing(shows: Shows) -> None:
    fields = {
        "code": "1234",
        "to": "Ada <ada@example.com>",
        "phones": ["+4915112345123"],
        "phone": "015112345123",
        "text": "482913 at https://h/x?y",
    }
    once = shows(fields)

    assert shows(json.loads(once)) == once


@everywhere
def test_of_what_is_too_large_the_small_fields_stay(shows: Shows) -> None:
    shown = shows({"id": 7, "name": "Ada", "rows": [{"n": n, "text": f"{n} " * 200} for n in range(90)]})

    assert '"id"' in shown
    assert "Ada" in shown
    assert CUT in shown
    assert "12 12" not in shown


@everywhere
def test_what_is_nested_too_deep_is_cut(shows: Shows) -> None:
    fields: dict[str, Any] = {"note": CANARY}
    for _ in range(30):
        fields = {"a": fields}

    assert CANARY not in shows(fields)


def test_an_address_that_the_cut_divides_is_not_half_shown() -> None:
    shrinks = "https://h/x?" + "y" * 170
    text = f"{shrinks} adalovelace.{'x' * 50}@example.com"

    assert masked_string(text, 100) == f"https://h/x?•••… ({len(text)} characters)"


def test_names_alone_are_bounded_too() -> None:
    limits = MaskingLimits(json_bytes=1000, string_characters=100, items=100)

    assert masked_fields({"n" * 300 + str(n): 1 for n in range(90)}, limits) == {}
