"""What `python -m services.audit` does for the command line. It answers with JSON, from the audit service's database.

`show ID`: the stories of a message or of a correlation. `find`: messages by what is known of them; what is wanted
stands as JSON on standard input, for an argument could be read by everybody on the machine.
"""

import asyncio
import sys
from dataclasses import asdict
from typing import Any

from postroom.runtime.answering import answer, own_database
from services.audit.searching import Wanted
from services.audit.sql_history import SqlHistory


def main(arguments: list[str]) -> None:
    """Do what the arguments say, and print the answer."""
    answer(lambda: asyncio.run(_with_database(arguments)))


async def _with_database(arguments: list[str]) -> Any:
    async with own_database("audit") as database:
        return await _answer(SqlHistory(database), arguments)


async def _answer(history: SqlHistory, arguments: list[str]) -> Any:
    match arguments:
        case ["show", wanted]:
            return [asdict(each) for each in await history.stories(wanted)]
        case ["find"]:
            found = await history.find(Wanted.model_validate_json(sys.stdin.buffer.read()))
            return [asdict(each) for each in found]
    return {"error": "use: show ID, or find with what is wanted as JSON on standard input"}
