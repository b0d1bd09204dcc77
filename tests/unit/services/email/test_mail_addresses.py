import pytest

from postroom_email.addresses import parse_address, parse_recipients
from postroom_email.errors import InvalidAddress
from tests.support.email_fakes import make_send_email


@pytest.mark.parametrize(
    ("written", "mailbox", "name"),
    [
        ("ada@example.com", "ada@example.com", ""),
        ("Ada <ada@example.com>", "ada@example.com", "Ada"),
        ('"Lovelace, Ada" <ada@example.com>', "ada@example.com", "Lovelace, Ada"),
        ("Lovelace, Ada <ada@example.com>", "ada@example.com", "Lovelace, Ada"),
        ("Bücher & Co. (GmbH) <info@bücher.example>", "info@xn--bcher-kva.example", "Bücher & Co. (GmbH)"),
        ("Ada@Example.COM", "Ada@example.com", ""),
        ("no-reply@localhost", "no-reply@localhost", ""),
        ("ops@mail.internal", "ops@mail.internal", ""),
    ],
)
def test_an_address_is_read_as_people_write_it(written: str, mailbox: str, name: str):
    address = parse_address("to", written)

    assert (address.mailbox, address.name) == (mailbox, name)


@pytest.mark.parametrize(
    "written",
    [
        *("ada", "ada@", "@example.com", "a b@example.com", "ada@exa mple.com", "ada@example..com"),
        *("ada@example.com, bob@example.com", "ada@[127.0.0.1]", "ada@-x.example", "<ada@example.com", "ada@x>"),
    ],
)
def test_what_is_no_address_is_refused_by_its_field(written: str):
    with pytest.raises(InvalidAddress, match=r"^reply_to: "):
        parse_address("reply_to", written)


@pytest.mark.parametrize("inserted", ["\r\nBcc: eve@example.com", "\n", "\r", "\0", "\x1b"])
def test_an_address_cannot_begin_another_header(inserted: str):
    for written in (f"Ada{inserted} <ada@example.com>", f"ada{inserted}@example.com", f"ada@example.com{inserted}"):
        with pytest.raises(InvalidAddress, match="control characters"):
            parse_address("to", written)


def test_only_a_local_part_beyond_ascii_needs_smtputf8():
    assert parse_address("to", "jörg@example.com").needs_smtputf8
    assert not parse_address("to", "joerg@bücher.example").needs_smtputf8


def test_each_mailbox_gets_a_mail_once():
    job = make_send_email(
        to=["ada@example.com", "Bob <bob@example.com>"], cc=["ADA@example.com"], bcc="bob@EXAMPLE.com"
    )

    assert parse_recipients(job).mailboxes == ("ada@example.com", "bob@example.com")


def test_the_wrong_one_of_several_recipients_is_named():
    with pytest.raises(InvalidAddress, match=r"^cc\.1: "):
        parse_recipients(make_send_email(cc=["bob@example.com", "nobody"]))
