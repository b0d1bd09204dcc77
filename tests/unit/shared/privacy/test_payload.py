"""What may be seen of a message's content by who is not its addressee."""

import json
from decimal import Decimal

import pytest

from postroom.privacy.payload import LONGEST_PAYLOAD, masked_error, masked_headers, masked_payload
from postroom.privacy.redaction import HIDDEN

CANARY = "canary-4711-secret"


@pytest.mark.parametrize(
    "body",
    [
        {"to": "ada@example.com"},
        {"to": ["Ada <ada@example.com>"]},
        {"context": {"deep": [{"note": "write to ada@example.com today"}]}},
        {"ada@example.com": 1},
    ],
)
def test_addresses_are_masked(body: dict[str, object]) -> None:
    shown = masked_payload(json.dumps(body).encode())

    assert "ada@example.com" not in shown
    assert "@example.com" in shown


@pytest.mark.parametrize(
    "name",
    ["password", "Password", "new_password", "secret", "client_secret", "token", "access_token", "api_key", "apiKey",
     "authorization", "otp", "code", "pin", "reset_url", "cookie", "private_key"],
)  # fmt: skip
def test_what_is_called_a_secret_is_hidden(name: str) -> None:
    assert CANARY not in masked_payload(json.dumps({name: CANARY, "x": {name: [CANARY]}}).encode())


@pytest.mark.parametrize(
    "text",
    [
        f"see https://app.example/reset?token={CANARY}",
        f"https://app.example/x#{CANARY}",
        f"amqp://user:{CANARY}@broker/",
        f"password: {CANARY}",
        f'{{"token": "{CANARY}',  # broken JSON
        f"otp={CANARY}&x=1",
    ],
)
def test_secrets_in_running_text_are_hidden(text: str) -> None:
    assert CANARY not in masked_payload(json.dumps({"body": text}).encode())
    assert CANARY not in masked_payload(text.encode())


@pytest.mark.parametrize("text", ["your code is 482913", "call +49 151 1234567", "card 4111111111111111"])
def test_codes_and_numbers_in_running_text_are_hidden(text: str) -> None:
    digits = text.rsplit(" ", 1)[1]

    assert digits not in masked_payload(json.dumps({"message": text}).encode())


def test_a_phone_number_that_is_a_number_is_hidden() -> None:
    assert "491511234567" not in masked_payload(b'{"phone": 491511234567}')


def test_what_helps_to_understand_the_failure_stays() -> None:
    body = {"template": "welcome", "locale": "de", "attempt": 3, "at": "2026-03-01T12:00:00Z", "ok": True, "n": None}

    assert json.loads(masked_payload(json.dumps(body).encode())) == body


def test_long_payloads_are_cut_with_their_size() -> None:
    body = json.dumps({f"k{i}": "x" * 300 for i in range(50)}).encode()

    shown = masked_payload(body)

    assert len(shown) < LONGEST_PAYLOAD + 60
    assert shown.endswith(f"({len(body)} bytes in all)")


def test_a_file_inside_is_cut() -> None:
    assert len(masked_payload(json.dumps({"attachments": [{"content": "A" * 200_000}]}).encode())) < 600


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\0\0", b"\xff\xfe", b"not json", b"[" * 5000, b'{"a":' * 300 + b"1" + b"}" * 300, b'"\\ud800"',
        b"NaN", b"[1e400]", b"{" * 100_000, b'{"a\\u0000b": "\\u0000"}', "ä@ö".encode(), b"a@" * 100_000,
        b"1234-" * 50_000,
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_any_body_can_be_shown_and_stored(body: bytes) -> None:
    shown = masked_payload(body)

    assert "\0" not in shown
    assert len(shown.encode()) < 4 * LONGEST_PAYLOAD


def test_an_error_is_one_line_without_addresses_and_secrets() -> None:
    error = masked_error(f"ada@example.com refused\n  at https://h/x?key={CANARY}; password={CANARY}")

    assert "\n" not in error
    assert "ada@" not in error
    assert CANARY not in error
    assert "refused" in error


def test_of_headers_the_names_of_secrets_count_and_no_value_is_trusted() -> None:
    shown = masked_headers(
        {
            "x-customer-email": "ada@example.com",
            "x-api-key": "k-123",
            "authorization": "Bearer abc",
            "cookie": None,
            "note-ada@example.com": "x",
            "x-service": "call +49 151 1234567",
            "x-account": 491511234567,
            "x-raw": b"ada@example.com",
            "x-exact": Decimal(491511234567),
            "x-table": {"password": "hidden-1", "list": ["ada@example.com"]},
        }
    )

    text = str(shown)
    for secret in ("ada@", "k-123", "abc", "1234567", "hidden-1"):
        assert secret not in text, secret
    assert {"x-api-key": HIDDEN, "authorization": HIDDEN, "cookie": HIDDEN}.items() <= shown.items()


def test_of_headers_times_counts_and_names_stay_readable() -> None:
    headers = {
        "x-failed-at": "2026-11-25T14:00:00.123456+00:00",
        "x-attempt": 5,
        "x-queue": "email.on.user.created",
        "x-error-at": "postroom_email.mailer.smtp.deliver",
        "x-fire-time": "2026-11-25T14:00:00Z",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "delay-seconds": 86400,
    }

    assert masked_headers(headers) == headers
