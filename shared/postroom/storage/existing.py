"""A service's database as it is, for who only looks, or changes rows at a person's command.

No database is made and no tables are changed: an older service may run on them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from postroom.privacy.redaction import redact
from postroom.service import Service
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.database import Database, database_of
from postroom.storage.location import check_is_there
from postroom.wire.errors import ConfigurationError


@asynccontextmanager
async def existing_database(service: Service) -> AsyncIterator[Database]:
    """The service's database, until the end of the block.

    Raises NoDatabase where there is none, ConfigurationError where it cannot be used or is of another version.
    """
    settings = read_settings(RuntimeSettings)
    check_is_there(service.name, settings)
    database = database_of(service, settings)
    try:
        await database.check_version()
        yield database
    except (SQLAlchemyError, OSError) as error:
        problem = redact(str(error) or type(error).__name__).splitlines()[0]
        raise ConfigurationError(f"the {service.name} service's database cannot be used: {problem}") from None
    finally:
        await database.close()
