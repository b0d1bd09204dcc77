from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom_email.addresses import Address, parse_address
from postroom_email.errors import InvalidHeader
from postroom_email.headers import address_header, custom_headers, text_header


def read_back(header: bytes):
    return message_from_bytes(header + b"\r\nbody", policy=default)


def test_a_plain_header_stands_as_it_is():
    assert text_header("Subject", "Hello") == b"Subject: Hello\r\n"


@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=400))
def test_a_subject_arrives_as_it_was_written(subject: str):
    subject = " ".join(subject.split()) or "x"

    header = text_header("Subject", subject)

    assert read_back(header)["Subject"] == subject
    assert max(map(len, header.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x0b", "\x7f"])
def test_a_value_cannot_begin_another_header(character: str):
    with pytest.raises(InvalidHeader, match=r"^subject: line breaks"):
        text_header("Subject", f"Hello{character}Bcc: eve@example.com")


def test_a_long_url_is_neither_cut_nor_encoded():
    url = "https://example.com/" + "a" * 300

    assert text_header("List-Unsubscribe", f"<{url}>") == f"List-Unsubscribe: <{url}>\r\n".encode()


def test_a_word_that_fits_no_line_is_refused():
    with pytest.raises(InvalidHeader, match="longer than 998"):
        text_header("X-Token", "a" * 1200)


def test_many_recipients_arrive_as_they_were():
    addresses = [Address(f"user{i}", "example.com", f"Müller, Jörg {i}" if i % 2 else "Ada, Inc.") for i in range(100)]

    header = address_header("To", addresses)

    read = read_back(header)["To"].addresses
    assert [(a.display_name, a.addr_spec) for a in read] == [(a.name, a.mailbox) for a in addresses]
    assert max(map(len, header.split(b"\r\n"))) <= 120


def test_quotes_in_a_name_do_not_end_it():
    header = address_header("To", [parse_address("to", r'"Ada \"The\\ Countess\" L" <ada@example.com>')])

    assert read_back(header)["To"].addresses[0].display_name == r'Ada "The\ Countess" L'


@pytest.mark.parametrize(
    "name",
    [
        *("Bcc", "bcc", "To", "From", "Sender", "Received", "DKIM-Signature", "Content-Type", "content-id"),
        *("Message-ID", "Return-Path", "Resent-To", "MIME-Version", "List-Unsubscribe", "Subject", "ARC-Seal"),
    ],
)
def test_our_own_headers_cannot_be_given(name: str):
    with pytest.raises(InvalidHeader, match="written by the service"):
        custom_headers({name: "x"})


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nBcc", "Ü", "X" * 77])
def test_what_is_no_header_name_is_refused(name: str):
    with pytest.raises(InvalidHeader, match="not a header name"):
        custom_headers({name: "x"})


def test_a_custom_header_with_a_line_break_is_refused_by_its_name():
    with pytest.raises(InvalidHeader, match=r"^headers.X-Ticket: "):
        custom_headers({"X-Ticket": "1\r\nBcc: eve@example.com"})


def test_custom_headers_are_written():
    assert custom_headers({"X-Ticket": "4711", "X-Priority": "1"}) == b"X-Ticket: 4711\r\nX-Priority: 1\r\n"
