"""The SMS service's parts for tests: a scripted gateway, texts in a real database, and a TextSender made of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postroom.storage.database import Database
from postroom.testing import RecordingPublisher, make_delivery
from postroom.wire.messages import SendSms
from postroom_sms.events import ReceiptRecorder, TextEvents
from postroom_sms.gateway import Accepted, Text
from postroom_sms.gateway.failover import Failover
from postroom_sms.numbers import NumberReader
from postroom_sms.rate_limit import Priority, TextRateLimit
from postroom_sms.sql_texts import SqlTexts
from postroom_sms.text_sender import TextSender
from postroom_sms.validation import TextRequest, TextValidator
from tests.support.databases import service_database

NUMBER = "+4915112345678"
MASKED = "+49•••••678"


@dataclass
class ScriptedGateway:
    """Keeps what it sends. `script` is raised, one error after the other; then it accepts."""

    name: str = "scripted"
    knows_references: bool = False
    script: list[Exception | None] = field(default_factory=list)
    sent: list[Text] = field(default_factory=list)
    asked: int = 0
    parts: int = 1

    async def deliver(self, text: Text) -> Accepted:
        await asyncio.sleep(0)  # as every network does, it lets others go on meanwhile
        self.asked += 1
        if self.script and (error := self.script.pop(0)) is not None:
            raise error
        self.sent.append(text)
        return Accepted(self.name, tuple(f"{self.name}-{len(self.sent)}-{part}" for part in range(self.parts)))


@dataclass
class TextSenderHarness:
    """A TextSender with a database of its own, and what was published."""

    texts: SqlTexts
    receipt_handler: ReceiptRecorder
    text_sender: TextSender
    publisher: RecordingPublisher
    events: TextEvents
    database: Database

    async def send(
        self, content: str = "Hello", to: str = NUMBER, priority: Priority = Priority.BULK, **changes: Any
    ) -> None:
        """Send a text as the handler does; `changes` to the delivery, `order` to the request."""
        order = TextRequest(to, content, **changes.pop("order", {}))
        delivery = make_delivery(SendSms(to=to, message=content), **{"queue": "sms.send", **changes})
        await self.text_sender.deliver(order, delivery, priority)

    async def rows(self, table: str = "sms_texts") -> list[dict[str, Any]]:
        """What stands in a table."""
        statement = f"SELECT * FROM {table}"  # noqa: S608 - a name of ours
        return await self.database.run(
            lambda connection: [dict(row._mapping) for row in connection.exec_driver_sql(statement)]
        )

    async def row(self) -> dict[str, Any]:
        """The one text."""
        [row] = await self.rows()
        return row


@asynccontextmanager
async def sender_with(tmp_path: Path, *gateways: Any, **options: Any) -> AsyncIterator[TextSenderHarness]:
    """A TextSender that sends over `gateways`."""
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/sms.sqlite3", "sms")
    await database.migrate()
    publisher = RecordingPublisher()
    texts = SqlTexts(database)
    events = TextEvents(texts, publisher)
    validator = TextValidator(NumberReader(), None, options.pop("max_segments", 10))
    rate_limit = options.pop("rate_limit", None) or TextRateLimit(None, lambda: 1)
    text_sender = TextSender(
        validator, texts, Failover(gateways), rate_limit, events, options.pop("after_lost_answer", "resend")
    )
    try:
        yield TextSenderHarness(texts, ReceiptRecorder(texts, events), text_sender, publisher, events, database)
    finally:
        await events.finish()
        await database.close()
