import base64
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from postroom.wire.errors import InvalidMessage
from postroom_email.addresses import parse_address, parse_recipients
from postroom_email.composer import AllowedSenders, Mail
from postroom_email.errors import InvalidAttachment, InvalidHeader, SenderNotAllowed, TemplateFailed, UnknownTemplate
from tests.support.email_fakes import MemoryStorage, make_composer, make_send_email


async def compose(changes: dict[str, Any], **parts: Any) -> Mail:
    job = make_send_email(**changes)
    return await make_composer(**parts).compose(job, parse_recipients(job), "job-1")


async def composed(parts: dict[str, Any] | None = None, **changes: Any) -> EmailMessage:
    mail = await compose(changes, **(parts or {}))
    return message_from_bytes(mail.content, policy=default)


async def test_a_text_is_sent_as_text():
    message = await composed(body="Grüße\nvon Ada")

    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["Grüße", "von Ada"]


async def test_text_and_html_are_alternatives_with_the_text_first():
    message = await composed(body="Hello", html="<p>Hello</p>")

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


async def test_every_byte_is_ascii_and_no_line_is_too_long():
    content = (await compose({"body": "ü" * 5000, "html": "<p>" + "x" * 5000, "subject": "ü" * 300})).content

    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


async def test_the_message_id_follows_from_the_job():
    assert (await composed())["Message-ID"] == (await composed())["Message-ID"] == "<job-1@postroom.example>"


async def test_bcc_stands_in_no_header():
    mail = await compose({"bcc": "eve@example.com", "cc": "bob@example.com"})

    assert b"eve@" not in mail.content
    assert b"Cc: bob@example.com\r\n" in mail.content


async def test_reply_to_and_custom_headers_are_written():
    message = await composed(reply_to="Help <help@example.com>", headers={"X-Ticket": "4711"})

    assert message["Reply-To"] == "Help <help@example.com>"
    assert message["X-Ticket"] == "4711"


async def test_one_click_unsubscription_is_offered_for_https():
    message = await composed(unsubscribe_url="https://example.com/u?t=" + "a" * 100)

    assert message["List-Unsubscribe"] == "<https://example.com/u?t=" + "a" * 100 + ">"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.example/a b", "https://x/>, <https://y", "https://ü"]
)
async def test_an_unsubscribe_url_is_a_url(url: str):
    with pytest.raises(InvalidHeader, match=r"^unsubscribe_url: "):
        await composed(unsubscribe_url=url)


async def test_a_foreign_sender_is_refused():
    with pytest.raises(SenderNotAllowed, match=r"^from: boss@example.com may not send"):
        await composed(**{"from": "boss@example.com"})


@pytest.mark.parametrize("allowed", ["boss@example.com", "@example.com"])
async def test_an_allowed_sender_may_send(allowed: str):
    default_sender = parse_address("sender", "no-reply@postroom.example")
    senders = AllowedSenders(default_sender, frozenset([allowed]))

    message = await composed({"senders": senders}, **{"from": "Boss <boss@example.com>"})

    assert message["From"] == "Boss <boss@example.com>"
    assert message["Message-ID"] == "<job-1@example.com>"


async def test_a_template_gives_subject_text_and_html():
    message = await composed(subject=None, body=None, template="greeting", context={"name": "Ada"}, locale="de")

    assert message["Subject"] == "Hello Ada"
    assert message.get_body(("plain",)).get_content().strip() == "Hello Ada (de)"
    assert message.get_body(("html",)).get_content().strip() == "<p>Ada</p>"


async def test_a_subject_goes_before_the_template_s():
    message = await composed(subject="Dear Ada", body=None, template="greeting", context={"name": "Ada"})

    assert message["Subject"] == "Dear Ada"


async def test_a_context_cannot_put_a_line_break_into_the_subject():
    with pytest.raises(InvalidHeader, match=r"^subject: "):
        await composed(subject=None, body=None, template="greeting", context={"name": "Ada\r\nBcc: eve@example.com"})


async def test_a_template_and_a_body_are_one_too_many():
    with pytest.raises(InvalidMessage, match=r"^body: "):
        await composed(template="greeting", context={"name": "Ada"})


async def test_the_template_s_trouble_is_told():
    with pytest.raises(UnknownTemplate):
        await composed(body=None, template="nothing")
    with pytest.raises(TemplateFailed, match="'name' is undefined"):
        await composed(body=None, template="greeting")


async def test_nul_in_a_body_is_refused():
    with pytest.raises(InvalidMessage, match=r"^body: NUL"):
        await composed(body="a\0b")


async def test_an_attachment_arrives_byte_for_byte_with_its_name():
    content = bytes(range(256)) * 40
    attachment = {"filename": "Übersicht Q1/2.pdf", "content": base64.encodebytes(content).decode()}

    message = await composed(attachments=[attachment])

    (part,) = message.iter_attachments()
    assert part.get_content() == content
    assert part.get_filename() == "Übersicht Q1_2.pdf"
    assert part.get_content_type() == "application/pdf"


async def test_a_blank_name_becomes_one():
    message = await composed(attachments=[{"filename": " ", "content": "YQ=="}])

    (part,) = message.iter_attachments()
    assert part.get_filename() == "attachment"


async def test_a_stored_object_is_attached():
    attachment = {"filename": "r.csv", "content_type": "text/csv", "url": "memory://report"}

    message = await composed({"storage": MemoryStorage(report=b"a,b\n")}, html="<p>", attachments=[attachment])

    (part,) = message.iter_attachments()
    assert part.get_payload(decode=True) == b"a,b\n"
    assert message.get_body(("html",)) is not None


@pytest.mark.parametrize(
    ("attachment", "complaint"),
    [
        ({"filename": "a.txt", "content": "no base64!"}, r"attachments\.0\.content: not base64"),
        ({"filename": "a.txt", "content": "YQ=="} | {"content_type": "text/plain\r\nX: y"}, "content_type"),
        ({"filename": "a.eml", "content": "YQ==", "content_type": "message/rfc822"}, r"attachments\.0\.content_type"),
        ({"filename": "a.txt", "url": "memory://nothing"}, r"attachments\.0\.url: there is no such object"),
    ],
)
async def test_a_wrong_attachment_is_named(attachment: dict[str, str], complaint: str):
    with pytest.raises((InvalidAttachment, InvalidMessage, ValueError), match=complaint):
        await composed(attachments=[attachment])


async def test_attachments_are_limited_together():
    attachment = {"filename": "a.bin", "content": base64.b64encode(b"x" * 60).decode()}

    with pytest.raises(InvalidAttachment, match=r"attachments\.1\.content: 60 bytes, 40 are left"):
        await composed({"attachment_limit": 100}, attachments=[attachment, attachment])


async def test_an_international_recipient_needs_smtputf8():
    mail = await compose({"to": "jörg@bücher.example"})

    assert mail.needs_smtputf8
    assert "To: jörg@xn--bcher-kva.example\r\n".encode() in mail.content
