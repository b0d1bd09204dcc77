"""Fetching external data: the job, and the events for items that changed."""

from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import Field

from postroom.wire.messages.base import Event, Job

SOURCE_NAME = r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$"


class SyncSource(Job):
    """Fetch a list of items and publish an event for each that is new or different.

    A source that is described in the service's settings is asked for with its `name` alone.

    Attributes:
        items: where the list is in the JSON, `data.items`; the whole document when absent.
        id_field: what identifies an item, `id` or `attributes.sku`.
        next: where the next page is named: `link` (header Link, rel=next) or a field of the JSON, `paging.next`.
        next_parameter: that field holds no URL but a cursor, for this parameter of the query.
        secret_headers: headers whose values the service's settings have under these names.
        delete: publish `<name>.deleted` for items that are no longer listed.
    """

    kind: ClassVar[str] = "webhook.sync"

    name: str = Field(pattern=SOURCE_NAME, max_length=100)
    url: str | None = Field(default=None, pattern=r"^https?://", max_length=2000)
    format: Literal["json", "csv"] = "json"
    items: str | None = Field(default=None, max_length=200)
    id_field: str = Field(default="id", min_length=1, max_length=200)
    next: str | None = Field(default=None, max_length=200)
    next_parameter: str | None = Field(default=None, max_length=100)
    headers: dict[str, str] = {}
    secret_headers: dict[str, str] = {}
    delete: bool = False


class ItemChanged(Event):
    """An item of a source is new or different. Receive it with a subclass whose kind is `<name>.changed`."""

    kind: ClassVar[str] = "item.changed"

    source: str
    id: str
    item: dict[str, Any]


class ItemDeleted(Event):
    """A source no longer lists an item. Receive it with a subclass whose kind is `<name>.deleted`."""

    kind: ClassVar[str] = "item.deleted"

    source: str
    id: str


@cache
def changed_in(source: str) -> type[ItemChanged]:
    """The event `<source>.changed`."""
    return type("ItemChanged", (ItemChanged,), {"kind": f"{source}.changed"})


@cache
def deleted_from(source: str) -> type[ItemDeleted]:
    """The event `<source>.deleted`."""
    return type("ItemDeleted", (ItemDeleted,), {"kind": f"{source}.deleted"})
