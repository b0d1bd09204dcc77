"""What is kept of an event: enough to know what happened, nothing that is another's to know."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from postroom.privacy.json_masking import CUT
from postroom_audit.contents import LIMITS, kept_fields

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)  # fmt: skip


def kept(**fields: Any) -> Any:
    return json.loads(kept_fields(fields))


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

    assert len(body.encode()) <= LIMITS.json_bytes
    assert isinstance(json.loads(body), dict)
