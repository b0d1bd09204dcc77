"""What the service answers to the command line. It answers with JSON, from the audit service's database.

`show ID`: the stories of a message or of a correlation. `find`: messages by what is known of them; what is wanted
stands as JSON on standard input, for an argument could be read by everybody on the machine.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from postroom.runtime.answering import own_database
from postroom_audit.searching import Wanted
from postroom_audit.service import service
from postroom_audit.sql_history import SqlHistory


def answer(arguments: Sequence[str], given: bytes) -> Any:
    """Do what the arguments say."""
    return asyncio.run(_with_database(arguments, given))


async def _with_database(arguments: Sequence[str], given: bytes) -> Any:
    async with own_database(service) as database:
        return await _answer(SqlHistory(database), arguments, given)


async def _answer(history: SqlHistory, arguments: Sequence[str], given: bytes) -> Any:
    match arguments:
        case ["show", wanted]:
            return [asdict(each) for each in await history.stories(wanted)]
        case ["find"]:
            found = await history.find(Wanted.model_validate_json(given))
            return [asdict(each) for each in found]
    return {"error": "use: show ID, or find with what is wanted as JSON on standard input"}
