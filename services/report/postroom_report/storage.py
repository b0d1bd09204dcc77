"""The storage of finished documents."""

from datetime import timedelta
from pathlib import Path
from typing import Protocol

from postroom.storage.object_storage import NoSuchObject, ObjectStorage, StorageAway, StorageFull, StoredObject
from postroom_report.errors import StorageFailed, StorageUnavailable


class Storage(Protocol):
    """Keeps documents. All methods but `url` raise StorageUnavailable."""

    async def write(self, key: str, source: Path, content_type: str) -> StoredObject:
        """Keep the file's content under `key`, in place of what was there: all of it or nothing.

        Raises StorageFailed when there is no room.
        """

    async def has(self, key: str) -> bool:
        """Whether there is such an object."""

    async def delete(self, key: str, folder: str) -> None:
        """Remove an object and all in a folder; what is not there does not matter."""

    async def link(self, key: str, lasts: timedelta) -> str | None:
        """An address by which anybody may read the object for so long, where the store has such a thing."""

    def url(self, key: str) -> str:
        """The object's plain address."""


class ReportStorage:
    """See Storage."""

    def __init__(self, objects: ObjectStorage) -> None:
        self._objects = objects

    async def write(self, key: str, source: Path, content_type: str) -> StoredObject:
        """See Storage."""
        try:
            return await self._objects.write(key, source, content_type)
        except NoSuchObject:
            raise StorageUnavailable("the bucket of REPORT_STORAGE_URL is not there") from None
        except StorageAway as error:
            raise StorageUnavailable(str(error)) from None
        except StorageFull as error:
            raise StorageFailed(str(error)) from None

    async def has(self, key: str) -> bool:
        """See Storage."""
        try:
            await self._objects.size(key)
        except NoSuchObject:
            return False
        except StorageAway as error:
            raise StorageUnavailable(str(error)) from None
        return True

    async def delete(self, key: str, folder: str) -> None:
        """See Storage."""
        try:
            await self._objects.delete([key, *await self._objects.keys_under(folder)])
        except StorageAway as error:
            raise StorageUnavailable(str(error)) from None

    async def link(self, key: str, lasts: timedelta) -> str | None:
        """See Storage."""
        return await self._objects.link(key, lasts)

    def url(self, key: str) -> str:
        """See Storage."""
        return self._objects.url(key)
