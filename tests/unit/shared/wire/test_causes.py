"""Grouping dead letters by cause."""

import pytest

from postroom.wire.causes import cause_of, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com: 550 5.1.1 no such user", "bob.b+x@mail.example.org: 550 5.1.1 no such user"),
        ("timed out after 512 ms", "timed out after 31,5 ms"),
        ("no user 6f2c9a30-1b1c-4d5e-8f60-aabbccddeeff", "no user 00000000-1b1c-4d5e-8f60-aabbccddee00"),
        ("object 5f2c9a301b1c4d5e not found", "object aa00bb1122334455 not found"),
        ("GET https://a.example/x?token=1 failed", "GET http://b.example:8080/y failed"),
        ("connect to 10.0.0.1:25 failed", "connect to 192.168.7.44:587 failed"),
        ("too late since 2026-03-01T12:00:00+00:00", "too late since 2026-04-02 01:02:03Z"),
        ("unknown template 'welcome-a'", "unknown template 'welcome-b'"),
        ("queued as 4XyZ12abCD99", "queued as 9AbC88zzQQ11"),
        ("left out (123 rows)", "left out (456 rows)"),
        ("line one\n  line two", "line one line two"),
        ("call +49 151 1234567", "call +49 151 7654321"),
        (
            "552 5.2.2 over quota l12-20020a170902d3cc00b001bf0c1d2e3fsi28.123 - gsmtp",
            "552 5.2.2 over quota 5-20020ac8594a000000b0042f1a2b3c4dsi991.7 - gsmtp",
        ),
        ("rejected, id=1rABcD-0003xY-2F", "rejected, id=1qZzzZ-0009Ab-00"),
        ("no order A7K2Q", "no order 9BX41"),
        ("no order-A7K2Q.pdf", "no order-9BX41.pdf"),
        ("no session V1StGXR8_Z5jdHi6B-myT", "no session -Uakgb_J5m9g7g0JDMbcJ-"),
        ("no session voZdTQxkQTvttjawVrsgL", "no session V1StGXR8_Z5jdHi6B-myT"),
        ("no item cus_N9x8Lm2", "no item cus_7QrTz01"),
        ("not for Ada Lovelace <ada@example.com>", "not for Charles van Babbage <cb@example.org>"),
        ('not for "Ada L." <ada@example.com>', "not for <cb@example.org>"),
        ("cannot write /tmp/report-abcd_fgh/page.pdf", "cannot write /tmp/report-xyzw1234/page.pdf"),
        ("cannot write C:\\T\\tmpqwertyu", "cannot write C:\\T\\tmp_x91abzz"),
        ("cannot write /tmp/tmpqwertyu/page.pdf", "cannot write /tmp/tmp_x91abzz/page.pdf"),
    ],
)
def test_what_differs_from_message_to_message_does_not_make_another_cause(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@x.org: 550 5.1.1 no such user", "a@x.org: 550 5.7.1 no such user"),
        ("a@x.org: 550 refused", "a@x.org: 452 refused"),
        ("HTTP 404 from https://x/y", "HTTP 500 from https://x/y"),
        ("550 refused", "551 refused"),
        ("a@x.org refused (550 5.1.1 refused)", "a@x.org refused (552 5.2.2 refused)"),
        ("to: Field required", "subject: Field required"),
        ("a@x.org: 550-5.1.1 no such user", "a@x.org: 550-5.7.1 no such user"),
        ("no order-A7K2Q", "no invoice-A7K2Q"),
        ("no /tmp/tmpqwertyu/page.pdf", "no /tmp/tmpqwertyu/page.css"),
        ("Sender <ada@example.com> refused", "Recipient <ada@example.com> refused"),
        ("no base64", "no sha256"),
        ("OperationalError in SessionPool", "IntegrityError in SessionPool"),
        ("smtp2-out3.example.com is away", "smtp2-in3.example.com is away"),
    ],
)
def test_answer_codes_and_words_make_another_cause(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ada@example.com: 550 5.1.1 no such user 17", "<address>: 550 5.1.1 no such user <n>"),
        ("not for Ada Lovelace <ada@example.com>", "not for <address>"),
        ("mx-1.example.com has no order-A7K2Q.pdf", "mx-<n>.example.com has no order-<id>.pdf"),
        ("attachments.3: 12MB of utf8 in eu-central-1", "attachments.<n>: <n>MB of utf<n> in eu-central-<n>"),
    ],
)
def test_the_folded_text_stays_readable(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_the_same_error_in_another_queue_of_another_type_or_at_another_place_is_another_cause() -> None:
    keys = {
        cause_of("email.send", "Refused", "x").key,
        cause_of("sms.send", "Refused", "x").key,
        cause_of("email.send", "Late", "x").key,
        cause_of("email.send", "Refused", "x", "postroom_email.mail_sender.deliver").key,
    }

    assert len(keys) == 4


def test_a_key_is_stable_because_people_paste_it() -> None:
    assert cause_of("email.send", "RecipientRefused", "a@b.c: 550 5.1.1 no such user 17").key == "906753039c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "\ud800",
        "a" * 100_000,
        "1" * 100_000,
        "'" * 5000,
        "@" * 5000,
        "1-" * 9000,
        "-" * 9000,
        "A " * 5000,
        "A<" * 5000,
    ],
)
def test_any_text_can_be_folded_quickly(text: str) -> None:
    assert len(cause_of("q", "E", text).error) <= 200
