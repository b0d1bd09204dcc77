from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from postroom_email.attachments import File
from postroom_email.mime import body

WRITTEN = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)
NAME = (
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="/\\"), max_size=255)
    .map(str.strip)
    .filter(bool)
)


def read_back(raw: bytes) -> EmailMessage:
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = message_from_bytes(raw, policy=default)
    assert not message.defects
    return message


def lines_of(part: EmailMessage | None) -> list[str]:
    assert part is not None
    return part.get_payload(decode=True).decode().rstrip("\r\n").split("\r\n")


@given(text=WRITTEN, html=WRITTEN)
def test_text_and_html_arrive_as_they_were_written(text: str, html: str):
    message = read_back(body(text, html, []))

    assert lines_of(message.get_body(("plain",))) == text.rstrip("\n").split("\n")
    assert lines_of(message.get_body(("html",))) == html.rstrip("\n").split("\n")


@given(name=NAME, content=st.binary(max_size=300))
def test_a_file_arrives_with_its_name(name: str, content: bytes):
    assume(name[:1] + name[-1:] not in ("<>", '""'))  # which the standard library's reader takes away, not the mail

    message = read_back(body("text", None, [File(name, "application", "pdf", content)]))

    (part,) = message.iter_attachments()
    assert part.get_payload(decode=True) == content
    assert part.get_filename() == name
    assert part.get_content_type() == "application/pdf"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "7bit"),
        ("x" * 999, "quoted-printable"),
        ("Viele Grüße aus dem Posthaus", "quoted-printable"),
        ("日本語の手紙", "base64"),
    ],
)
def test_text_is_encoded_only_as_far_as_it_must(text: str, encoding: str):
    assert read_back(body(text, None, []))["Content-Transfer-Encoding"] == encoding


def test_lone_line_ends_become_whole_ones():
    assert lines_of(read_back(body("a\rb\nc\r\nd", None, []))) == ["a", "b", "c", "d"]


def test_alternatives_stand_beside_the_files():
    message = read_back(body("text", "<p>", [File("a.txt", "text", "plain", b"a")]))

    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in message.iter_parts()] == ["multipart/alternative", "text/plain"]
