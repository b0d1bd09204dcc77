"""How a service answers the command line: from its database as it is.

Who only asks makes no database and changes no tables: an older service may run on them. Who asks is cli/asking.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from postroom.privacy.redaction import redact
from postroom.service import Service
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.database import Database, database_of
from postroom.wire.errors import ConfigurationError, NoDatabase


@asynccontextmanager
async def own_database(service: Service) -> AsyncIterator[Database]:
    """The service's database, until the end of the block.

    Raises NoDatabase where there is none, ConfigurationError where it cannot be used or is of another version.
    """
    settings = read_settings(RuntimeSettings)
    _check_file(service.name, settings.service_database_url(service.name))
    database = database_of(service, settings)
    try:
        await database.check_version()
        yield database
    except (SQLAlchemyError, OSError) as error:
        problem = redact(str(error) or type(error).__name__).splitlines()[0]
        raise ConfigurationError(f"the {service.name} service's database cannot be used: {problem}") from None
    finally:
        await database.close()


def _check_file(service: str, url: str) -> None:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and not Path(str(parts.database)).is_file():
        raise NoDatabase(
            f"the {service} service has no database at {parts.database}: ask where it runs, or give the "
            "POSTROOM_DATA_DIR or POSTROOM_DATABASE_URL that it has"
        )
