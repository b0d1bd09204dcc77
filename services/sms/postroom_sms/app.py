"""Puts the SMS service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from postroom.settings import read_settings
from services.sms.announcing import Desk, announcing
from services.sms.checking import Checker
from services.sms.courier import Courier
from services.sms.gateway.choice import open_gateways
from services.sms.handlers import worker
from services.sms.pace import Pace
from services.sms.receiving import taking_receipts
from services.sms.settings import ReceiptsSettings, SmsSettings
from services.sms.sql_texts import SqlTexts
from services.sms.wording import CodeWording


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    sms = read_settings(SmsSettings)
    wording = sms.code_wording()
    checker = Checker(sms.numbers(), sms.default_sender(), sms.max_segments)
    texts = SqlTexts(runtime.database, sms.number_key)
    pace = Pace(sms.per_second, runtime.replicas)
    async with announcing(texts, runtime.publisher) as announcer:
        desk = Desk(texts, announcer)
        receipts = taking_receipts(read_settings(ReceiptsSettings), sms.gateways(), desk)
        async with open_gateways(sms, desk.take) as gateways, receipts:
            courier = Courier(checker, texts, gateways, pace, announcer, sms.after_lost_answer)
            yield {Courier: courier, CodeWording: wording}


def main() -> None:
    """Run the service until it is told to stop."""
    run(worker, adapters)
