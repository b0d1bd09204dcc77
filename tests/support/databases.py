"""The databases of our services, wherever a test puts them."""

from postroom.installation import find_service
from postroom.storage.database import Database


def service_database(url: str, name: str) -> Database:
    """The database of an installed service at this URL."""
    return Database(url, name, find_service(name).migrations_folder())
