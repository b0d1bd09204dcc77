"""The jobs of the e-mail service."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from postroom.wire.messages.base import Job


def _refuse_line_breaks(value: str) -> str:
    # Our own check: the standard library of some supported Pythons lets line breaks into headers through
    # (CVE-2024-6923, CVE-2026-1299).
    if any(character in value for character in "\r\n\0"):
        raise ValueError("line breaks and NUL are not allowed in a mail header")
    return value


def _as_list(value: Any) -> Any:
    if not isinstance(value, str | list):
        raise ValueError("an address or a list of addresses is needed")  # noqa: TRY004 - pydantic wants a ValueError
    return [value] if isinstance(value, str) else value


HeaderText = Annotated[str, AfterValidator(_refuse_line_breaks)]
MailAddress = Annotated[str, AfterValidator(_refuse_line_breaks), Field(min_length=3, max_length=320)]
"""`ada@example.com` or `Ada <ada@example.com>`; the e-mail service checks the syntax in full."""
MailAddresses = Annotated[
    list[MailAddress],
    BeforeValidator(_as_list, json_schema_input_type=MailAddress | list[MailAddress]),
    Field(max_length=100),
]


class Attachment(BaseModel):
    """A file sent with the mail: inline as base64, or fetched from object storage by `url`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    filename: HeaderText = Field(min_length=1, max_length=255)
    content_type: HeaderText | None = None
    content: str | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.content is None) == (self.url is None):
            raise ValueError("give either content (base64) or url")
        return self


class SendEmail(Job):
    """Send one mail: `subject` and `body` (text), or a `template` with its `context` and `locale`."""

    kind: ClassVar[str] = "email.send"
    recipient_fields: ClassVar[tuple[str, ...]] = ("to", "cc", "bcc")

    to: Annotated[MailAddresses, Field(min_length=1)]
    subject: Annotated[HeaderText, Field(max_length=998)] | None = None
    body: str | None = None
    html: str | None = None
    cc: MailAddresses = []
    bcc: MailAddresses = []
    sender: MailAddress | None = Field(default=None, alias="from")
    reply_to: MailAddress | None = None
    template: str | None = Field(default=None, max_length=100)
    context: dict[str, Any] = {}
    locale: str | None = Field(default=None, max_length=35)
    attachments: list[Attachment] = Field(default=[], max_length=50)
    headers: dict[HeaderText, HeaderText] = {}
    unsubscribe_url: HeaderText | None = None

    @model_validator(mode="after")
    def _text_or_template(self) -> Self:
        if self.template is None and (self.subject is None or self.body is None):
            raise ValueError("give subject and body, or a template")
        return self
