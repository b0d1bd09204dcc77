import pytest

from postroom.wire.errors import ConfigurationError
from postroom_sms.gateway.choice import open_gateways
from postroom_sms.gateway.http_api import look_up, read_api
from postroom_sms.gateway_url import parse_gateways
from postroom_sms.settings import HttpGatewaySettings, SmsSettings
from postroom_sms.wording import CodeWording


def test_a_url_is_taken_apart():
    [twilio, sns] = parse_gateways(
        "twilio://AC1:to%40ken,1@/?from=+15550100123&api_base=http://127.0.0.1:1/ , sns://eu-west-1"
    )

    assert (twilio.scheme, twilio.user, twilio.password.get_secret_value()) == ("twilio", "AC1", "to@ken,1")
    assert (twilio.query["from"], twilio.base_url("https://api.twilio.com/")) == ("+15550100123", "http://127.0.0.1:1")
    assert (sns.host, sns.user, sns.base_url("https://sns/")) == ("eu-west-1", None, "https://sns")
    assert "ken" not in f"{twilio} {twilio!r}"


@pytest.mark.parametrize(
    "urls", ["", "twilio", "twilio:AC1:canary@", "smpp://u:canary@h:port", "sns://a?x=1&x=2", "sns://a?x"]
)
def test_a_url_that_is_none_is_told_without_its_password(urls: str):
    with pytest.raises(ConfigurationError, match="SMS_GATEWAY_URL") as caught:
        parse_gateways(urls)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"gateway_url": "pigeon://roof"}, "pigeon"),
        ({"gateway_url": "console://?colour=red"}, "colour"),
        ({"region": "Germany"}, "SMS_REGION"),
        ({"sender": "much too long a name"}, "SMS_SENDER"),
        ({"otp_text": "Your code"}, "SMS_OTP_TEXT"),
        ({"otp_text": "{code} {name}"}, "SMS_OTP_TEXT"),
        ({"otp_text": "{code}" + "ж" * 100, "max_segments": 1}, "SMS_OTP_TEXT: takes 2 parts"),
    ],
)
async def test_a_wrong_setting_is_named_at_the_start(settings: dict[str, str], named: str):
    sms = SmsSettings.model_validate(settings)

    with pytest.raises(ConfigurationError, match=named):
        await _start(sms)


async def test_several_gateways_keep_their_order():
    sms = SmsSettings(gateway_url="https://user:pw@a.example/send?x=1,console://,http://b.example")

    async with open_gateways(sms, _nobody, lambda: None) as failover:
        assert [gateway.name for gateway in failover._gateways] == ["http", "console", "http"]
        assert failover._gateways[0]._url == "https://a.example/send?x=1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"success_field": "status"}, "SMS_HTTP_SUCCESS_VALUES"),
        ({"extra_fields": "[1]"}, "SMS_HTTP_EXTRA_FIELDS"),
        ({"extra_fields": "canary"}, "SMS_HTTP_EXTRA_FIELDS"),
        ({"auth_header": "canary"}, "SMS_HTTP_AUTH_HEADER"),
    ],
)
def test_a_wrong_description_of_an_api_is_named_and_not_repeated(settings: dict[str, str], named: str):
    with pytest.raises(ConfigurationError, match=named) as caught:
        read_api(HttpGatewaySettings.model_validate(settings))

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.0.b", "x"), ("a.1.b", None), ("a.b", None), ("n", "7"), ("t", "true"), ("o", None), (None, None)],
)
def test_a_path_reaches_into_an_answer(path: str | None, found: str | None):
    assert look_up({"a": [{"b": "x"}], "n": 7, "t": True, "o": {}}, path) == found


def test_a_code_is_put_in_as_it_is():
    assert CodeWording("{code} is {code}", 1).with_code("{code}1") == "{code}1 is {code}1"


async def _start(sms: SmsSettings) -> None:
    sms.numbers()
    sms.default_sender()
    sms.code_wording()
    async with open_gateways(sms, _nobody, lambda: None):
        pass


async def _nobody(_receipt: object) -> None:
    """Takes a receipt."""
