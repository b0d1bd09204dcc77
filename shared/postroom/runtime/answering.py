"""How a service's own program answers the command line: with JSON, from its database as it is.

Who only asks makes no database and changes no tables: an older service may run on them. Who asks is cli/asking.py.
"""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from postroom.privacy.redaction import redact
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.database import Database
from postroom.wire.errors import ConfigurationError, NoDatabase, PostroomError
from postroom.wire.messages import describe_problems


def answer(work: Callable[[], Any]) -> None:
    """Print what `work` returns, or why it cannot be done: `error`, and `no_database` where the service never ran."""
    try:
        given = work()
    except ValidationError as error:
        given = {"error": describe_problems(error)}
    except PostroomError as error:
        given = {"error": redact(str(error)), "no_database": isinstance(error, NoDatabase)}
    sys.stdout.buffer.write(orjson.dumps(given, default=str))


@asynccontextmanager
async def own_database(service: str) -> AsyncIterator[Database]:
    """The service's database, until the end of the block.

    Raises NoDatabase where there is none, ConfigurationError where it cannot be used or is of another version.
    """
    url = read_settings(RuntimeSettings).service_database_url(service)
    _check_file(service, url)
    database = Database(url, service)
    try:
        await database.check_version()
        yield database
    except (SQLAlchemyError, OSError) as error:
        problem = redact(str(error) or type(error).__name__).splitlines()[0]
        raise ConfigurationError(f"the {service} service's database cannot be used: {problem}") from None
    finally:
        await database.close()


def _check_file(service: str, url: str) -> None:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and not Path(str(parts.database)).is_file():
        raise NoDatabase(
            f"the {service} service has no database at {parts.database}: ask where it runs, or give the "
            "POSTROOM_DATA_DIR or POSTROOM_DATABASE_URL that it has"
        )
