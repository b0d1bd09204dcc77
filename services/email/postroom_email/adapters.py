"""Puts the e-mail service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.settings import ReportStorageSettings, read_settings
from postroom.storage.tokens import TokenVault
from postroom.worker import Adapters
from postroom_email.composer import Composer
from postroom_email.delivery_log.sql import SqlDeliveryLog
from postroom_email.mail_sender import MailSender
from postroom_email.mailer.choice import open_mailer
from postroom_email.rendering.templates import template_renderer
from postroom_email.settings import EmailSettings
from postroom_email.storage import PrefixedStorage


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    email = read_settings(EmailSettings)
    storage = PrefixedStorage(read_settings(ReportStorageSettings).prefix(runtime.settings.data_dir))
    templates = template_renderer(email.templates_dir, email.default_locale, email.template_values())
    tokens = TokenVault.from_settings(runtime.settings)
    async with open_mailer(email, tokens) as mailer, templates as renderer:
        composer = Composer(email.senders(), renderer, storage, email.signer(), email.max_attachment_bytes)
        yield {MailSender: MailSender(mailer, SqlDeliveryLog(runtime.database), composer)}
