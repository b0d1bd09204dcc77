"""What an alert says: what broke, since when, and the commands to type next."""

import re
import shlex
from datetime import UTC, datetime

from services.alerting.failures import Alert
from services.alerting.notifier import Notice
from shared import wire
from shared.masking import mask_text

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/-]{0,127}")
_LONGEST_ERROR = 500


def notice_of(alert: Alert) -> Notice:
    """The notice for `alert`."""
    cause = alert.cause
    count = f"{alert.new}{' more' if alert.new < alert.total else ''} message{'s' if alert.new != 1 else ''}"
    return Notice(
        title=_line(f"{cause.queue}: {cause.error_type}, {count}", 200),
        body="\n".join([*_facts(alert), "", *_commands(alert)]),
    )


def _facts(alert: Alert) -> list[str]:
    shown = [_line(mask_text(message_id), 128) for message_id in alert.message_ids[: alert.new]]
    others = f" and {alert.new - len(shown)} more" if alert.new > len(shown) else ""
    facts = [
        f"Error: {_line(alert.error, _LONGEST_ERROR)}",
        f"Queue: {holding_queue(alert.cause.queue)}",
        f"Messages: {', '.join(shown)}{others}",
        f"Since: {_time(alert.since)}, last {_time(alert.last_at)}",
    ]
    if alert.new < alert.total:
        facts.append(f"In all: {alert.total} since {_time(alert.first_at)}")
    return facts


def _commands(alert: Alert) -> list[str]:
    queue = shlex.quote(holding_queue(alert.cause.queue))
    group = f"--group {alert.cause.key}"
    # An id that has an address in it, or could not be pasted as it stands, is not shown whole.
    plain = next((one for one in alert.message_ids if _PLAIN_ID.fullmatch(one) and mask_text(one) == one), None)
    by_id = f"--id {plain}" if plain else group
    one = [f"postroom dead replay {queue} --id {plain}"] if plain else []
    return [f"postroom dead show {queue} {by_id}", *one, f"postroom dead replay {queue} {group}"]


def holding_queue(queue: str) -> str:
    """The queue in which the messages that died in `queue` wait."""
    return queue if queue == wire.UNROUTED_QUEUE else wire.dead_queue(queue)


def _line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
