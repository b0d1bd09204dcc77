"""Reads one page of a source: its items, and where the next page is."""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from postroom.wire.errors import InvalidMessage
from postroom.wire.messages import SyncSource
from postroom_webhook.caller import HttpResponse
from postroom_webhook.errors import SourceUnusable
from postroom_webhook.urls import HttpTarget, parse_target

LINK = "link"
LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One item; `hash` is the same for the same content in whatever order its fields come."""

    id: str
    hash: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourcePage:
    """What a page holds; `problems` names the items that cannot be used, and why."""

    items: Sequence[SourceItem]
    problems: Sequence[str]
    next: HttpTarget | None


def read_page(source: SyncSource, target: HttpTarget, response: HttpResponse) -> SourcePage:
    """The page that was fetched from `target`. Raises SourceUnusable when it is not what the source describes."""
    document = _read_json(response.body) if source.format == "json" else None
    rows = _read_csv(response.body) if document is None else _list_in(document, source.items)
    items: dict[str, SourceItem] = {}
    problems = []
    for position, row in enumerate(rows):
        try:
            item = _item(row, source.id_field)
        except ValueError as error:
            problems.append(f"item {position + 1}: {error}")
        else:
            items[item.id] = item  # of two with one id the last one counts
    return SourcePage(list(items.values()), problems, _next(source, target, response, document))


def _read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceUnusable(f"the page is not JSON ({error})") from None


def _read_csv(body: bytes) -> list[Any]:
    try:
        return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceUnusable(f"the page is not CSV in UTF-8 ({error})") from None


def _list_in(document: Any, path: str | None) -> list[Any]:
    rows = document if path is None else _at(document, path)
    if not isinstance(rows, list):
        raise SourceUnusable(f"items: there is no list {'at ' + path if path else 'on the outside'} of the JSON")
    return rows


def _item(row: Any, id_field: str) -> SourceItem:
    if not isinstance(row, dict) or None in row:
        raise ValueError("not an object, or a row with more columns than the heading")
    identity = _at(row, id_field)
    if isinstance(identity, bool) or not isinstance(identity, str | int) or not 0 < len(str(identity)) <= LONGEST_ID:
        raise ValueError(f"{id_field} is no text or number of 1 to {LONGEST_ID} characters")
    if "\0" in str(identity):
        raise ValueError(f"{id_field} has a NUL character")
    content = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    return SourceItem(str(identity), hashlib.sha256(content).hexdigest(), row)


def _next(source: SyncSource, target: HttpTarget, response: HttpResponse, document: Any) -> HttpTarget | None:
    if source.next is None:
        return None
    if source.next == LINK:
        given: Any = _next_link(response.headers.get("link", ""))
    else:
        given = _at(document, source.next)
    if given is None or given is False or given == "":
        return None
    return _following(target, str(given), source.next_parameter)


def _following(target: HttpTarget, given: str, parameter: str | None) -> HttpTarget:
    try:
        url = target.url.copy_set_param(parameter, given) if parameter else target.url.join(given)
        following = parse_target(str(url), "next")
    except (InvalidMessage, httpx.InvalidURL) as error:
        raise SourceUnusable(f"the address of the next page cannot be used: {error}") from None
    if following.origin != target.origin:
        # It would be given the same headers, secret ones too.
        raise SourceUnusable(f"the next page is at another host ({following.place}); only {target.place} is asked")
    if following.url == target.url:
        raise SourceUnusable("the next page is the same page again")
    return following


def _next_link(header: str) -> str | None:
    for link in re.split(r",\s*(?=<)", header[:8000]):
        parts = re.match(r"\s*<([^>]*)>(.*)", link, re.DOTALL)
        relation = parts and re.search(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", parts[2], re.IGNORECASE)
        if parts and relation and "next" in (relation[1] or relation[2]).lower().split():
            return parts[1]
    return None


def _at(document: Any, path: str) -> Any:
    if isinstance(document, dict) and path in document:  # a column of a CSV may have dots in its name
        return document[path]
    for name in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document
