"""What `python -m services.audit` does for the command line. It answers with JSON, from the audit service's database.

`show ID`: the stories of a message or of a correlation. `find`: messages by what is known of them; what is wanted
stands as JSON on standard input, for an argument could be read by everybody on the machine.
"""

import asyncio
import sys
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from services.audit.searching import Wanted
from services.audit.sql_history import SqlHistory
from shared.database import Database
from shared.errors import PostroomError
from shared.messages import describe_problems
from shared.redaction import redact
from shared.settings import RuntimeSettings, read_settings


def main(arguments: list[str]) -> None:
    """Do what the arguments say, and print the answer."""
    try:
        answer = asyncio.run(_with_database(arguments))
    except ValidationError as error:
        answer = {"error": describe_problems(error)}
    except PostroomError as error:
        answer = {"error": str(error)}
    except (SQLAlchemyError, OSError) as error:
        answer = {"error": f"the audit service's database cannot be used: {redact(str(error)).splitlines()[0]}"}
    sys.stdout.buffer.write(orjson.dumps(answer, default=str))


async def _with_database(arguments: list[str]) -> Any:
    settings = read_settings(RuntimeSettings)
    database = Database(settings.service_database_url("audit"), "audit")
    try:
        await database.migrate()
        return await _answer(SqlHistory(database), arguments)
    finally:
        await database.close()


async def _answer(history: SqlHistory, arguments: list[str]) -> Any:
    match arguments:
        case ["show", wanted]:
            return [asdict(each) for each in await history.stories(wanted)]
        case ["find"]:
            found = await history.find(Wanted.model_validate_json(sys.stdin.buffer.read()))
            return [asdict(each) for each in found]
    return {"error": "use: show ID, or find with what is wanted as JSON on standard input"}
