"""Whether a service has a database here, without the libraries that open it."""

from pathlib import Path
from urllib.parse import unquote

from postroom.settings import RuntimeSettings
from postroom.wire.errors import NoDatabase


def check_is_there(service: str, settings: RuntimeSettings) -> None:
    """Raises NoDatabase where the service has no SQLite file. Only a server itself knows whether it has the tables."""
    scheme, _, place = settings.service_database_url(service).partition("://")
    if scheme.partition("+")[0] != "sqlite":
        return
    file = unquote(place.removeprefix("/").partition("?")[0])
    if not Path(file).is_file():
        raise NoDatabase(
            f"the {service} service has no database at {file}: ask where it runs, or give the "
            "POSTROOM_DATA_DIR or POSTROOM_DATABASE_URL that it has"
        )
