"""Who may report on texts: the signatures of the three providers."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from postroom_sms.receipts import generic, twilio
from postroom_sms.receipts.refusals import Untrusted
from postroom_sms.receipts.settings import HttpReceipts
from postroom_sms.receipts.sns_signature import SnsVerifier, is_amazons
from tests.support.sms_receipts import CERTIFICATE_URL, SnsSigner

TOKEN = SecretStr("12345")
URL = "https://example.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675310"],
    "Digits": ["1234"],
    "From": ["+14158675310"],
    "To": ["+18005551212"],
}


def test_the_example_in_twilios_documentation_is_accepted():
    twilio.check_signature(URL, FORM, "L/OH5YylLD5NRKLltdqwSvS0BnU=", [TOKEN])


@pytest.mark.parametrize("signature", [None, "", "L/OH5YylLD5NRKLltdqwSvS0BnV=", "é"])
def test_another_twilio_signature_is_refused(signature: str | None):
    with pytest.raises(Untrusted):
        twilio.check_signature(URL, FORM, signature, [TOKEN])


def test_a_changed_field_url_or_token_breaks_twilios_signature():
    signature = twilio.sign(URL, FORM, TOKEN)

    for url, form, token in [
        (URL, {**FORM, "Digits": ["1235"]}, TOKEN),
        (URL + "3", FORM, TOKEN),
        (URL, FORM, SecretStr("12346")),
    ]:
        with pytest.raises(Untrusted):
            twilio.check_signature(url, form, signature, [token])


@pytest.mark.parametrize(
    ("public", "called"),
    [("https://a.example/x", "https://a.example:443/x"), ("https://a.example:8443/x", "https://a.example/x")],
)
def test_twilio_may_sign_the_url_with_its_port_or_without(public: str, called: str):
    twilio.check_signature(public, FORM, twilio.sign(called, FORM, TOKEN), [TOKEN])


def test_two_twilio_tokens_are_good_while_one_is_replaced():
    twilio.check_signature(URL, FORM, twilio.sign(URL, FORM, TOKEN), [SecretStr("new"), TOKEN])


@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_amazon_signed_is_accepted(version: str):
    signer = SnsSigner()

    await SnsVerifier(signer.fetch).check(signer.notification("hello", version=version))

    assert signer.fetched == [CERTIFICATE_URL]


async def test_a_certificate_is_fetched_once():
    signer = SnsSigner()
    verifier = SnsVerifier(signer.fetch)

    for message in ("one", "two"):
        await verifier.check(signer.notification(message))

    assert len(signer.fetched) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "another"},
        {"TopicArn": "arn:aws:sns:eu-central-1:1:other"},
        {"Subject": "added"},
        {"Signature": base64.b64encode(b"x" * 256).decode()},
        {"Signature": "not base64"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": "1"},
        {"Type": "Other"},
    ],
)
async def test_a_changed_notification_is_refused(change: dict[str, Any]):
    signer = SnsSigner()

    with pytest.raises(Untrusted):
        await SnsVerifier(signer.fetch).check(signer.notification("hello") | change)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example#sns.eu-central-1.amazonaws.com/a.pem",
        "https://127.0.0.1/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.txt",
        "https://[::1/a.pem",
    ],
)
async def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str):
    signer = SnsSigner()
    notice = signer.signed({**signer.unsigned("hello"), "SigningCertURL": url})

    with pytest.raises(Untrusted):
        await SnsVerifier(signer.fetch).check(notice)

    assert signer.fetched == []


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "ap-southeast-2"])
def test_amazons_own_hosts_are_known(region: str):
    assert is_amazons(f"https://sns.{region}.amazonaws.com/x.pem")


async def test_an_old_notification_is_a_copy():
    signer = SnsSigner()
    old = (datetime.now(UTC) - timedelta(days=2)).isoformat()

    with pytest.raises(Untrusted, match="old"):
        await SnsVerifier(signer.fetch).check(signer.signed({**signer.unsigned("hello"), "Timestamp": old}))


@pytest.mark.parametrize("days", [(-3, -1), (1, 3)])
async def test_a_certificate_out_of_its_time_is_refused(days: tuple[int, int]):
    signer = SnsSigner(days=days)

    with pytest.raises(Untrusted, match="out of date"):
        await SnsVerifier(signer.fetch).check(signer.notification("hello"))


# openssl dgst -sha256 -hmac key
BODY, HMAC = b'{"id": "1"}', "eb623155435b3687f56ce56b62a19d545ba94f80feb73ac84b73eaf8547599e0"
KEYED = HttpReceipts(secrets=(SecretStr("key"),))


@pytest.mark.parametrize("given", [HMAC, HMAC.upper(), f"sha256={HMAC}"])
def test_an_hmac_over_the_body_is_accepted(given: str):
    generic.check_signature(BODY, {"X-Signature": given}, KEYED)


@pytest.mark.parametrize("headers", [{}, {"X-Signature": ""}, {"X-Signature": HMAC[:-1] + "f"}, {"X-Signature": "é"}])
def test_another_hmac_is_refused(headers: dict[str, str]):
    with pytest.raises(Untrusted):
        generic.check_signature(BODY, headers, KEYED)


def test_a_standard_webhooks_signature_is_accepted_and_an_old_one_is_not():
    secret = "whsec_" + base64.b64encode(b"0" * 24).decode()
    api = HttpReceipts(secrets=(SecretStr("whsec_" + base64.b64encode(b"1" * 24).decode()), SecretStr(secret)))

    generic.check_signature(BODY, _standard_headers(secret, datetime.now(UTC)), api)
    for headers in (
        _standard_headers(secret, datetime.now(UTC) - timedelta(minutes=6)),
        _standard_headers(secret, datetime.now(UTC)) | {"webhook-id": "other"},
        _standard_headers(secret, datetime.now(UTC)) | {"webhook-signature": "nonsense"},
        {},
    ):
        with pytest.raises(Untrusted):
            generic.check_signature(BODY, headers, api)


def _standard_headers(secret: str, moment: datetime) -> dict[str, str]:
    signature = Webhook(secret).sign("msg-1", moment, BODY.decode())
    timestamp = str(int(moment.timestamp()))
    return {"webhook-id": "msg-1", "webhook-timestamp": timestamp, "webhook-signature": signature}
