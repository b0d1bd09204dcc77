"""Stored objects that mails carry: read from under one configured prefix, and from nowhere else."""

from typing import Protocol

from postroom.storage.object_storage import NoSuchObject, ObjectStorage, OutsideStorage, StorageAway
from postroom_email.errors import AttachmentStorageUnavailable, InvalidAttachment


class StoredObjects(Protocol):
    """Reads what other services have stored."""

    async def read(self, url: str, limit: int) -> bytes:
        """The object at `url`.

        Raises InvalidAttachment when it is not under the prefix, not there or larger than `limit` bytes, and
        AttachmentStorageUnavailable when the storage does not answer.
        """


class PrefixedStorage:
    """Objects under one prefix of a file system or an object store.

    Args:
        prefix: see ObjectStorage.
    """

    def __init__(self, prefix: str) -> None:
        self._objects = ObjectStorage(prefix)

    async def read(self, url: str, limit: int) -> bytes:
        """See StoredObjects."""
        try:
            content = await self._objects.read(self._objects.key(url), limit)
        except (OutsideStorage, NoSuchObject) as error:
            raise InvalidAttachment(f"url: {error}") from None
        except StorageAway as error:
            raise AttachmentStorageUnavailable(str(error)) from None
        if isinstance(content, int):
            raise InvalidAttachment(f"url: the object has {content} bytes, {limit} are left for attachments")
        return content
