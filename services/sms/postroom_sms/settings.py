"""What the SMS service needs to know, from variables that begin with SMS_."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import InvalidSender
from postroom_sms.gateway_url import GatewayUrl, parse_gateways
from postroom_sms.numbers import NumberReader
from postroom_sms.senders import check_sender
from postroom_sms.wording import CodeWording

AfterLostAnswer = Literal["resend", "park"]


class SmsSettings(BaseSettings):
    """Settings of the SMS service.

    Attributes:
        gateway_url: one gateway or several, comma-separated, in order; `console://` prints instead.
        timeout_seconds: for one request to a gateway.
        sender: who texts come from, when a job names no sender; the gateway's own when absent.
        region: two letters; local numbers of this country are taken too.
        strict_numbers: refuse numbers of ranges that are not known to be given out.
        max_segments: parts that one text may take.
        per_second: texts a second, of all processes of the service together.
        after_lost_answer: what becomes of a text whose answer was lost, where the gateway does not know references.
        otp_text: the text around a one-time code.
        number_key: makes the hash by which texts of a number are found; without it none is kept.
    """

    model_config = SettingsConfigDict(env_prefix="SMS_", env_ignore_empty=True, extra="ignore")

    gateway_url: SecretStr = SecretStr("console://")
    timeout_seconds: float = Field(default=30, gt=0, le=60)
    sender: str | None = None
    region: str | None = None
    strict_numbers: bool = False
    max_segments: int = Field(default=10, ge=1, le=255)
    per_second: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)
    after_lost_answer: AfterLostAnswer = "resend"
    otp_text: str = "Your code is {code}."
    number_key: SecretStr | None = None

    @property
    def timeout(self) -> timedelta:
        """For one request to a gateway."""
        return timedelta(seconds=self.timeout_seconds)

    def gateways(self) -> tuple[GatewayUrl, ...]:
        """The gateways, in order. Raises ConfigurationError."""
        return parse_gateways(self.gateway_url.get_secret_value())

    def numbers(self) -> NumberReader:
        """Reads phone numbers. Raises ConfigurationError."""
        return NumberReader(self.region, strict=self.strict_numbers)

    def default_sender(self) -> str | None:
        """Who texts come from. Raises ConfigurationError."""
        try:
            return self.sender and check_sender("SMS_SENDER", self.sender)
        except InvalidSender as error:
            raise ConfigurationError(str(error)) from None

    def code_wording(self) -> CodeWording:
        """The text around a one-time code. Raises ConfigurationError."""
        return CodeWording(self.otp_text, self.max_segments)


class HttpGatewaySettings(BaseSettings):
    """The requests and responses of the generic HTTP gateway. Its URL is an entry of SMS_GATEWAY_URL.

    Attributes:
        method, format: how the fields travel: in a JSON body, as a form, or in the query.
        to_field, text_field, sender_field: what the provider calls number, text and sender.
        reference_field: where the job's id goes; it is not sent when absent.
        reference_header: the same in a header, as `Idempotency-Key`.
        knows_references: the provider sends nothing twice for one reference.
        extra_fields: a JSON object of further fields.
        auth_header: a header and its value, `Authorization: Bearer …`.
        success_statuses: comma-separated.
        success_field, success_values: where in the JSON answer it says that the text was taken, and its values
            then; `messages.0.status` reaches into objects and lists. The status alone decides when absent.
        id_field: where the provider's id of the text is in the JSON answer.
        opted_out_values: values of success_field for a recipient who has opted out.
    """

    model_config = SettingsConfigDict(env_prefix="SMS_HTTP_", env_ignore_empty=True, extra="ignore")

    method: Literal["POST", "PUT", "GET"] = "POST"
    format: Literal["json", "form", "query"] = "json"
    to_field: str = "to"
    text_field: str = "text"
    sender_field: str = "from"
    reference_field: str | None = None
    reference_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    knows_references: bool = False
    extra_fields: SecretStr | None = None
    auth_header: SecretStr | None = None
    success_statuses: str = Field(default="200,201,202", pattern=r"^\s*\d{3}(\s*,\s*\d{3})*\s*$")
    success_field: str | None = None
    success_values: str | None = None
    id_field: str | None = None
    opted_out_values: str | None = None


class ReceiptsSettings(BaseSettings):
    """Where delivery receipts are taken over HTTP. Those of SMPP come through its own connection.

    Attributes:
        host, port: where to listen; without a port no receipts are taken.
        public_url: how providers reach that from outside, `https://sms.example.com`; Twilio signs it.
        twilio_tokens: of the account, comma-separated while one replaces another; the passwords in SMS_GATEWAY_URL
            when absent, which are the wrong ones where an API key is used.
        sns_topics: ARNs of the topics whose notifications are believed, comma-separated.
        http_secrets: of the generic provider, comma-separated while one replaces another: `whsec_…` for signatures
            of Standard Webhooks, anything else for an HMAC-SHA256 of the body in a header.
        http_signature_header: that header.
        http_id_field, http_status_field, http_reason_field: what the generic provider calls them.
        http_delivered, http_undelivered: values of the status field, comma-separated.
    """

    model_config = SettingsConfigDict(env_prefix="SMS_RECEIPTS_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)
    public_url: str | None = Field(default=None, pattern="^https?://")
    twilio_tokens: SecretStr | None = None
    sns_topics: str | None = None
    http_secrets: SecretStr | None = None
    http_signature_header: str = "X-Signature"
    http_id_field: str = "id"
    http_status_field: str = "status"
    http_reason_field: str = "reason"
    http_delivered: str = "delivered"
    http_undelivered: str = "undelivered,failed,expired,rejected"
