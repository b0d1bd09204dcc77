"""Everything a publisher can get wrong with a mail: each with what its dead letter must say."""

import gzip
import json

from tests.support.bad_mail import (
    GOOD,
    INJECTION,
    Bad,
    attachment,
    event,
    mail,
    nested,
)
from tests.support.bad_mail_properties import PROPERTIES, WISHES

NOT_AN_OBJECT = [
    Bad("empty", b"", "body: not JSON"),
    Bad("blank", b"  \n", "body: not JSON"),
    Bad("not json", b"to=ada@example.com", "body: not JSON"),
    Bad("cut off", mail()[:-5], "body: not JSON"),
    Bad("two objects", mail() + mail(), "body: not JSON"),
    Bad("trailing comma", mail()[:-1] + b",}", "body: not JSON"),
    Bad("single quotes", mail().replace(b'"', b"'"), "body: not JSON"),
    Bad("byte order mark", b"\xef\xbb\xbf" + mail(), "body: not JSON"),
    Bad("utf-16", mail().decode().encode("utf-16"), "body: not JSON"),
    Bad("latin-1", mail().replace(b"Thank", b"Gr\xfc\xdfe"), "body: not JSON"),
    Bad("gzip", gzip.compress(mail()), "body: not JSON", {"content_encoding": "gzip"}),
    Bad("bytes 0 to 255", bytes(range(256)), "body: not JSON"),
    Bad("pickle", b"\x80\x04\x95\x1a\x00\x00\x00", "body: not JSON"),
    Bad("NUL byte", mail().replace(b"Thank", b"Th\0nk"), "body: not JSON"),
    Bad("NUL escaped", mail(subject="Re\0ceipt"), "body: NUL"),
    Bad("NUL in a name", mail(**{"x\0y": 1}), "body: NUL"),
    Bad("NUL deep inside", mail(context={"a": [{"b": "\0"}]}), "body: NUL"),
    Bad("lone surrogate", mail().replace(b"Thank", rb"\ud800"), "body: not JSON"),
    Bad("NaN", mail(context={"a": float("nan")}), "body: not JSON"),
    Bad("infinity", mail(context={"a": float("inf")}), "body: not JSON"),
    Bad("1e999", mail().replace(b'"Thank you."', b"1e999"), "body: not JSON"),
    Bad("array", b"[" + mail() + b"]", "body: a JSON object is needed, not an array"),
    Bad("string", b'"email"', "body: a JSON object is needed, not a string"),
    Bad("number", b"42", "body: a JSON object is needed, not a number"),
    Bad("true", b"true", "body: a JSON object is needed, not a boolean"),
    Bad("null", b"null", "body: a JSON object is needed, not null"),
    Bad("20 deep", nested(20), "body: objects and lists are nested"),
    Bad("100,000 deep", b"[" * 100_000, "body: objects and lists are nested"),
    Bad("257 KiB", mail(body="x" * 257 * 1024), "body: 263"),
]

WRONG_FIELDS = [
    Bad("no fields", b"{}", "to: Field required"),
    Bad("no recipient", mail(to=...), "to: "),
    Bad("no subject", mail(subject=...), "subject"),
    Bad("no body", mail(body=...), "body"),
    Bad("recipient is a number", mail(to=42), "to: "),
    Bad("recipient is an object", mail(to={"address": "ada@example.com"}), "to: "),
    Bad("recipient is null", mail(to=None), "to: "),
    Bad("nobody in the list", mail(to=[]), "to: "),
    Bad("a number in the list", mail(to=["ada@example.com", 7]), "to.1: "),
    Bad("101 recipients", mail(to=[f"u{n}@example.com" for n in range(101)]), "to: "),
    Bad("subject is a number", mail(subject=10**30), "subject: "),
    Bad("subject is a list", mail(subject=["a"]), "subject: "),
    Bad("subject too long", mail(subject="x" * 999), "subject: "),
    Bad("the last of two subjects counts", mail()[:-1] + b', "subject": 5}', "subject: "),
    Bad("body is an object", mail(body={"text": "x"}), "body: "),
    Bad("context is a list", mail(context=[1]), "context: "),
    Bad("headers are a list", mail(headers=["X-A: b"]), "headers: "),
    Bad("a header is a number", mail(headers={"X-A": 5}), "headers.X-A: "),
    Bad("attachment without content", attachment(content=...), "attachments.0: "),
    Bad("attachment with two contents", attachment(url="file:///a"), "attachments.0: "),
    Bad(
        "attachment is not base64", attachment(content="%%%"), "attachments.0.content: ", error_type="InvalidAttachment"
    ),
    Bad(
        "attachment of a type that is none",
        attachment(content_type="pdf"),
        "attachments.0.content_type",
        error_type="InvalidAttachment",
    ),
    Bad(
        "attachment from elsewhere",
        attachment(content=..., url="file:///etc/passwd"),
        "attachments.0.url",
        error_type="InvalidAttachment",
    ),
    Bad(
        "attachment from a parent folder",
        attachment(content=..., url="../../etc/passwd"),
        "attachments.0.url",
        error_type="InvalidAttachment",
    ),
    Bad("address without domain", mail(to="ada"), "to: not a mail address", error_type="InvalidAddress"),
    Bad(
        "two addresses in one",
        mail(to="a@example.com, b@example.com"),
        "to: not a mail address",
        error_type="InvalidAddress",
    ),
    Bad("somebody else's sender", mail(**{"from": "ceo@elsewhere.example"}), "from: ", error_type="SenderNotAllowed"),
    Bad("a header that is ours", mail(headers={"Bcc": "v@example.com"}), "headers.Bcc: ", error_type="InvalidHeader"),
    Bad("a header that is none", mail(headers={"X A": "b"}), "headers: ", error_type="InvalidHeader"),
]

INJECTIONS = [
    Bad("injection into subject", mail(subject=INJECTION), "subject: line breaks"),
    Bad("injection into subject, bare CR", mail(subject="x\ry"), "subject: line breaks"),
    Bad("injection into subject, bare LF", mail(subject="x\ny"), "subject: line breaks"),
    Bad("injection into to", mail(to=f"ada@example.com{INJECTION}"), "to.0: line breaks"),
    Bad("injection into from", mail(**{"from": f"a@example.com{INJECTION}"}), "from: line breaks"),
    Bad("injection into cc", mail(cc=[f"a@example.com{INJECTION}"]), "cc.0: line breaks"),
    Bad("injection into bcc", mail(bcc=f"a@example.com{INJECTION}"), "bcc.0: line breaks"),
    Bad("injection into reply_to", mail(reply_to=f"a@example.com{INJECTION}"), "reply_to: line breaks"),
    Bad("injection into a header's value", mail(headers={"X-A": INJECTION}), "headers.X-A: line breaks"),
    Bad("injection into a header's name", mail(headers={f"X-A: {INJECTION}": "b"}), "line breaks"),
    Bad("injection into a file's name", attachment(filename=INJECTION), "attachments.0.filename: line breaks"),
    Bad("injection into a file's type", attachment(content_type=f"a/b{INJECTION}"), "attachments.0.content_type: line"),
    Bad(
        "injection into unsubscribe_url",
        mail(unsubscribe_url=f"https://a.example/{INJECTION}"),
        "unsubscribe_url: line",
    ),
    Bad(
        "injection through a name", mail(to="Ada\x0b <ada@example.com>"), "to: line breaks", error_type="InvalidAddress"
    ),
    Bad(
        "injection through a template's value",
        mail(subject=..., body=..., template="greeting", context={"name": INJECTION}),
        "subject: line breaks",
        error_type="InvalidHeader",
    ),
]

TEMPLATES = [
    Bad(
        "template with a path",
        mail(body=..., template="../../etc/passwd"),
        "template: there is no",
        error_type="UnknownTemplate",
    ),
    Bad(
        "template with an absolute path",
        mail(body=..., template="/etc/passwd"),
        "template: there is no",
        error_type="UnknownTemplate",
    ),
    Bad("template with NUL", mail(body=..., template="welcome\0"), "body: NUL"),
    Bad(
        "template nobody wrote",
        mail(body=..., template="farewell"),
        "template: there is no 'farewell'",
        error_type="UnknownTemplate",
    ),
    Bad("template and body", mail(template="welcome"), "body: give either", error_type="InvalidMessage"),
    Bad(
        "template without its values",
        mail(subject=..., body=..., template="password-reset"),
        "template password-reset",
        error_type="TemplateFailed",
    ),
    Bad(
        "template that loops",
        mail(subject=..., body=..., template="endless"),
        "template endless (en): it took",
        error_type="TemplateFailed",
    ),
]

EVENTS = [
    Bad("event without id", **event(id=...), says="id: "),
    Bad("event with an empty id", **event(id=""), says="id: "),
    Bad("event with a number as id", **event(id=7), says="id: "),
    Bad("event with a long id", **event(id="x" * 256), says="message_id: "),
    Bad("event with a long id of few letters", **event(id="ü" * 200), says="message_id: "),
    Bad("event with NUL in its id", **event(id="a\0b"), says="body: NUL"),
    Bad("event without type", **event(type=...), says="type: "),
    Bad("event of another type", **event(type="user.created"), says="type: this queue takes email.send"),
    Bad("event without data", **event(data=...), says="data: "),
    Bad("event with text as data", **event(data=json.dumps(GOOD)), says="data: "),
    Bad("event with bad data", **event(data={"to": 5}), says="to: "),
]


ALL = [*NOT_AN_OBJECT, *WRONG_FIELDS, *INJECTIONS, *TEMPLATES, *EVENTS, *WISHES, *PROPERTIES]
