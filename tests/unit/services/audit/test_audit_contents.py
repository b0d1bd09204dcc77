"""What is kept of an event: enough to know what happened, nothing that is another's to know."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom_audit.contents import CUT, MOST_BYTES, kept_fields

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)  # fmt: skip


def kept(**fields: Any) -> Any:
    return json.loads(kept_fields(fields))


def test_addresses_and_numbers_are_masked_wherever_they_stand() -> None:
    assert kept(email="ada@example.com", notes=["call +49 151 1234567"], by={"ada@example.com": 1}) == {
        "email": "a•••@example.com",
        "notes": ["call +49•••••567"],
        "by": {"a•••@example.com": 1},
    }


@pytest.mark.parametrize("number", ["+4915112345123", "15550100123", 15550100123])
def test_a_phone_number_is_known_by_the_name_of_its_field(number: str | int) -> None:
    assert str(number) not in kept_fields({"phone": number, "mobile_number": number})


@pytest.mark.parametrize("name", ["code", "otp_code", "reset_url", "token", "password", "api_key", "new_password"])
def test_secrets_are_left_out_at_any_depth(name: str) -> None:
    assert kept(**{"id": 7, name: "canary", "more": [{name: "canary", "kept": 1}]}) == {"id": 7, "more": [{"kept": 1}]}


def test_what_follows_the_path_of_a_url_is_hidden() -> None:
    assert kept(url="https://s3.example.com/r/1.pdf?X-Amz-Signature=abc") == {
        "url": "https://s3.example.com/r/1.pdf?•••"
    }


def test_ids_and_times_stay_as_they_are() -> None:
    fields = {"id": 12345678901, "job_id": "0f8c8e0b-7f11-4d0e-9d0a-6c0b5f0e3a53", "at": "2026-11-24T02:10:00Z"}

    assert kept(**fields) == fields


def test_the_largest_fields_are_left_out_first() -> None:
    rows = [{"n": n, "text": "x" * 400} for n in range(90)]

    assert kept(id=7, rows=rows, name="Ada") == {"id": 7, "rows": CUT, "name": "Ada"}


def test_long_texts_and_lists_say_how_much_is_missing() -> None:
    found = kept(text="x" * 5000, items=list(range(120)))

    assert found["text"] == "x" * 2000 + "… (5000 characters)"
    assert found["items"][-2:] == [99, "… 20 more"]


def test_a_body_of_names_alone_is_bounded_too() -> None:
    assert kept_fields({"n" * 300 + str(n): 1 for n in range(90)}) == "{}"


@given(st.dictionaries(TEXT, JSON_VALUES))
def test_whatever_comes_is_kept_as_json_within_the_limit(fields: dict[str, Any]) -> None:
    body = kept_fields(fields)

    assert len(body.encode()) <= MOST_BYTES
    assert isinstance(json.loads(body), dict)
