"""Amazon SNS: what is sent, what its codes mean, and whose credentials sign."""

from datetime import timedelta

import pytest

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    NumberRefused,
    RecipientOptedOut,
    TextRefused,
)
from postroom_sms.gateway import Text
from postroom_sms.gateway.sns import open_sns
from postroom_sms.gateway.sns_errors import refuse
from postroom_sms.gateway_url import parse_gateways
from tests.support.sms_providers import in_front_of, moto_server, serving

TEXT = Text("+4915112345123", "Hello", "job-1", sender="Acme")
SECONDS = timedelta(seconds=5)


@pytest.mark.parametrize(
    ("status", "code", "words", "expected"),
    [
        (400, "Throttling", "Rate exceeded", GatewayThrottled),
        (429, "ThrottledException", "", GatewayThrottled),
        (403, "OptedOut", "", RecipientOptedOut),
        (400, "InvalidParameter", "Invalid parameter: phone number is opted out", RecipientOptedOut),
        (400, "InvalidParameter", "Invalid parameter: PhoneNumber", NumberRefused),
        (400, "InvalidParameterValue", "Message too long", TextRefused),
        (403, "AuthorizationError", "", GatewayUnavailable),
        (403, "InvalidClientTokenId", "", GatewayUnavailable),
        (403, "SignatureDoesNotMatch", "", GatewayUnavailable),
        (400, "ExpiredToken", "", GatewayUnavailable),
        (503, "", "", GatewayUnavailable),
        (500, "InternalError", "", GatewayAnswerLost),
        (400, "", "", TextRefused),
    ],
)
def test_an_answer_means_what_its_code_says(status: int, code: str, words: str, expected: type[Exception]):
    with pytest.raises(expected) as raised:
        refuse(status, code, words, None)

    assert type(raised.value) is expected


async def test_sender_and_type_are_signed_and_sent():
    async with moto_server() as moto:
        provider = in_front_of(moto)
        async with serving(provider):
            [url] = parse_gateways(f"sns://AKID:secret@eu-central-1?type=promotional&api_base={provider.url}")
            async with open_sns(url, SECONDS) as gateway:
                await gateway.deliver(TEXT)

    [form] = provider.forms
    assert form["MessageAttributes.entry.1.Value.StringValue"] == "Promotional"
    assert form["MessageAttributes.entry.2.Name"] == "AWS.SNS.SMS.SenderID"
    assert form["MessageAttributes.entry.2.Value.StringValue"] == "Acme"


async def test_without_key_and_secret_the_environments_credentials_sign(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with moto_server() as moto:
        [url] = parse_gateways(f"sns://eu-central-1?api_base={moto}")
        async with open_sns(url, SECONDS) as gateway:
            accepted = await gateway.deliver(TEXT)

    assert len(accepted.provider_ids) == 1


@pytest.mark.parametrize("url", ["sns://", "sns://eu-central-1?type=other", "sns://eu-central-1?region=x"])
async def test_a_url_that_lacks_something_says_what(url: str):
    with pytest.raises(ConfigurationError):
        async with open_sns(parse_gateways(url)[0], SECONDS):
            pass


async def test_no_credentials_anywhere_is_said_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("BOTO_CONFIG", str(tmp_path / "none"))

    with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID"):
        async with open_sns(parse_gateways("sns://eu-central-1")[0], SECONDS):
            pass
