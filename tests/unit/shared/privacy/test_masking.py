import pytest

from postroom.privacy.masking import mask_address, mask_phone, mask_text


def test_an_address_keeps_its_first_letter_and_its_domain():
    assert mask_address("ada@example.com") == "a•••@example.com"


def test_a_display_name_is_hidden_too():
    assert mask_address("Ada Lovelace <ada@example.com>") == "••• <a•••@example.com>"


def test_what_is_no_address_is_hidden_whole():
    assert mask_address("ada") == "•••"


def test_a_number_keeps_its_country_and_its_last_three_digits():
    assert mask_phone("+4915112345123") == "+49•••••123"


def test_a_short_number_is_hidden_whole():
    assert mask_phone("112") == "•••"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("refused: ada@example.com (550), bob@example.org", "refused: a•••@example.com (550), b•••@example.org"),
        ('{"to": ["ada@example.com"]}', '{"to": ["a•••@example.com"]}'),
        ("call +49 151 12345123 now", "call +49•••••123 now"),
        ("call 0151/12345123.", "call 01•••••123."),
        ("+4915112345123: no route", "+49•••••123: no route"),
        ("jörg@bücher.example", "j•••@bücher.example"),
    ],
)
def test_addresses_and_numbers_are_masked_within_a_text(text: str, masked: str):
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "at 2026-12-24T18:00:00.123456+00:00",
        "id 01234567-8901-7abc-8def-0123456789ab",
        "took 0.1234567 s",
        "code 550 5.1.1, 12345678 bytes",
    ],
)
def test_times_ids_and_counts_stay_readable(text: str):
    assert mask_text(text) == text


def test_masking_twice_changes_nothing_more():
    once = mask_text("ada@example.com +4915112345123")

    assert mask_text(once) == once
