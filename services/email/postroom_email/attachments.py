"""Loads attachments: from base64 or from the storage, with a name and a type."""

import base64
import binascii
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass

from postroom.wire.messages import Attachment
from postroom_email.errors import InvalidAttachment
from postroom_email.storage import StoredObjects

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_WHITE_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, ready to be put into a mail."""

    name: str
    main_type: str
    sub_type: str
    content: bytes


async def load_attachments(attachments: Sequence[Attachment], storage: StoredObjects, limit: int) -> tuple[File, ...]:
    """All attachments, together at most `limit` bytes. Raises InvalidAttachment naming the one that is wrong."""
    files: list[File] = []
    for number, attachment in enumerate(attachments):
        try:
            files.append(await _load(attachment, storage, limit - sum(len(file.content) for file in files)))
        except InvalidAttachment as error:
            raise InvalidAttachment(f"attachments.{number}.{error}") from None
    return tuple(files)


async def _load(attachment: Attachment, storage: StoredObjects, left: int) -> File:
    main_type, _, sub_type = _content_type(attachment).partition("/")
    content = (
        _decoded(attachment.content)
        if attachment.content is not None
        else await storage.read(attachment.url or "", left)
    )
    if len(content) > left:
        raise InvalidAttachment(f"content: {len(content)} bytes, {left} are left for attachments")
    # What the user calls it is a label: it must not look like a path to the reader's mail program.
    name = _NOT_IN_A_NAME.sub("_", attachment.filename).strip() or "attachment"
    return File(name, main_type, sub_type, content)


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(_WHITE_SPACE.sub("", content), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidAttachment("content: not base64") from None


def _content_type(attachment: Attachment) -> str:
    guessed, encoding = mimetypes.guess_type(attachment.filename)
    given = (attachment.content_type or ("" if encoding else guessed) or "application/octet-stream").strip().lower()
    if not _TYPE.fullmatch(given) or given.startswith(("multipart/", "message/")):
        raise InvalidAttachment("content_type: give a plain type such as application/pdf, without parameters")
    return given
