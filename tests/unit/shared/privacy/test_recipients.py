"""Whom a message is for, as it may be kept."""

from typing import Any, ClassVar

import pytest

from postroom.privacy.recipients import MOST_RECIPIENTS, digest_of, recipients_of
from postroom.testing import make_send_email
from postroom.wire.messages import KINDS, Message


class Invitation(Message):
    """Of somebody else's."""

    kind: ClassVar[str] = "invitation.send"
    recipient_fields: ClassVar[tuple[str, ...]] = ("guests", "phone", "host")

    guests: Any = None
    phone: Any = None


def test_a_mail_is_for_all_its_recipients_each_once() -> None:
    mail = make_send_email(to=["Ada <ada@example.com>", "ADA@example.com"], cc=["bob@example.com"], bcc="eve@x.example")

    assert [each.masked for each in recipients_of(mail)] == ["a•••@example.com", "b•••@example.com", "e•••@x.example"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "Ada Lovelace <Ada@Example.com>"),
        ("ada@example.com", '"a <b>" <ada@example.com>'),
        ("+491511234567", "+49 (151) 123-4567"),
        ("+491511234567", "0049 151 1234567"),
    ],
)
def test_one_address_has_one_digest_however_it_is_written(one: str, other: str) -> None:
    assert digest_of(one) == digest_of(other)


def test_different_addresses_have_different_digests() -> None:
    addresses = ["ada@example.com", "ad@example.com", "+491511234567", "+491511234568", "01511234567", ""]

    assert len({digest_of(each) for each in addresses}) == len(addresses)


def test_a_digest_does_not_hold_the_address() -> None:
    assert "ada" not in digest_of("ada@example.com")
    assert len(digest_of("a" * 10_000 + "@example.com")) == 32


@pytest.mark.parametrize("value", [None, 7, {"a": 1}, ["", None, 3], "  "])
def test_what_is_no_address_is_nobody(value: Any) -> None:
    assert recipients_of(Invitation(guests=value, phone=value)) == []


def test_somebody_elses_fields_are_taken_too_and_not_without_end() -> None:
    many = Invitation(guests=[f"{number}@example.com" for number in range(500)], phone="+491511234567")

    assert recipients_of(Invitation(phone="+491511234567"))[0].masked == "+49•••••567"
    assert len(recipients_of(many)) == MOST_RECIPIENTS


def test_every_shipped_kind_names_fields_that_it_has() -> None:
    for model in KINDS.values():
        assert set(model.recipient_fields) <= model.model_fields.keys(), model.kind
