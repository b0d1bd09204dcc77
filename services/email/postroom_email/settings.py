"""What the e-mail service needs to know, from variables that begin with EMAIL_."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from postroom.wire.errors import ConfigurationError
from postroom_email.addresses import parse_address
from postroom_email.composer import AllowedSenders
from postroom_email.errors import InvalidAddress
from postroom_email.signing import DkimSigner, Signer, Unsigned
from postroom_email.smtp_servers import SmtpServer, parse_servers

CONSOLE = "console://"


class EmailSettings(BaseSettings):
    """Settings of the e-mail service.

    Attributes:
        smtp_url: one mail server or several, comma-separated, in order; `console://` prints instead.
        sender: who stands in From.
        allowed_senders: who else may, comma-separated: `news@example.com`, or `@example.com` for all of it.
        connections: open at once to each server.
        timeout_seconds: for each command; the content gets four times as long.
        ca_file: certificate authorities (PEM) to trust beside the system's.
        templates_dir: a folder of templates; a name in it replaces the shipped template of that name.
        default_locale: of mails that name none, or one there is no template for.
        home_url: where the button of the welcome mail leads; without it there is no button.
        max_attachment_bytes: all attachments of one mail together.
        dkim_selector, dkim_key_file: sign with this key (PEM); both or neither.
        dkim_domain: whose signature; the sender's domain when absent.
    """

    model_config = SettingsConfigDict(env_prefix="EMAIL_", env_ignore_empty=True, extra="ignore")

    smtp_url: SecretStr = SecretStr("smtp://127.0.0.1:1025")
    sender: str = "Postroom <no-reply@localhost>"
    allowed_senders: str = ""
    connections: int = Field(default=10, ge=1, le=1000)
    timeout_seconds: float = Field(default=30, gt=0, le=60)
    ca_file: Path | None = None
    templates_dir: Path | None = None
    default_locale: str = "en"
    home_url: str | None = Field(default=None, pattern="^https?://")
    max_attachment_bytes: int = Field(default=10 * 1024 * 1024, ge=0)
    dkim_selector: str | None = None
    dkim_key_file: Path | None = None
    dkim_domain: str | None = None

    @property
    def prints(self) -> bool:
        """Whether mails are printed and not sent."""
        return self.smtp_url.get_secret_value().strip() == CONSOLE

    def servers(self) -> tuple[SmtpServer, ...]:
        """The mail servers, in order."""
        return parse_servers(self.smtp_url.get_secret_value())

    def senders(self) -> AllowedSenders:
        """Which senders may be in From."""
        try:
            default = parse_address("EMAIL_SENDER", self.sender)
        except InvalidAddress as error:
            raise ConfigurationError(f"{error}; use Name <address@example.com>") from None
        allowed = (entry.strip().lower() for entry in self.allowed_senders.split(","))
        return AllowedSenders(default, frozenset(entry for entry in allowed if entry))

    def signer(self) -> Signer:
        """Signs mails, or leaves them unsigned."""
        if self.dkim_selector is None and self.dkim_key_file is None:
            return Unsigned()
        if self.dkim_selector is None or self.dkim_key_file is None:
            raise ConfigurationError("EMAIL_DKIM_SELECTOR and EMAIL_DKIM_KEY_FILE: set both, or neither")
        return DkimSigner(self.dkim_domain or self.senders().default.domain, self.dkim_selector, self.dkim_key_file)

    def template_values(self) -> dict[str, str | None]:
        """What every template may use."""
        sender = self.senders().default
        return {"brand": sender.name or sender.domain, "home_url": self.home_url}
