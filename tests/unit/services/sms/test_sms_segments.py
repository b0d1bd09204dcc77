import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom_sms.segments import places, split


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 80 + "a", "GSM-7", 2),
        ("Grüße @ Ωmega", "GSM-7", 1),
        ("`", "UCS-2", 1),
        ("ж" * 70, "UCS-2", 1),
        ("ж" * 71, "UCS-2", 2),
        ("ж" * 134, "UCS-2", 2),
        ("ж" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),  # 33 to a part: the 67th unit stays free
    ],
)
def test_parts_are_counted_as_providers_do(text: str, encoding: str, count: int):
    assert (split(text).encoding, split(text).count) == (encoding, count)


def test_an_escaped_character_is_not_torn_apart():
    parts = split("a" * 152 + "€" + "a" * 20).parts

    assert [len(part) for part in parts] == [152, 21]


@given(st.text(alphabet=st.one_of(st.sampled_from("abc€{}ü😀ж"), st.characters(codec="utf-8")), max_size=700))
def test_no_part_is_too_long_and_nothing_is_lost(text: str):
    segments = split(text)
    rooms = {"GSM-7": (160, 153), "UCS-2": (70, 67)}[segments.encoding]

    assert "".join(segments.parts) == text
    for part in segments.parts:
        used = sum(places(character, segments.encoding) for character in part)
        assert used <= rooms[segments.count > 1]
        if segments.encoding == "UCS-2":
            assert len(part.encode("utf-16-be")) == used * 2
