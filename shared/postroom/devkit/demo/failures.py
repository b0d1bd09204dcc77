"""The bad day, as the demo shows it: an outage of somebody else's server, and many failures of one cause."""

import asyncio
import json
import time

from rich.markup import escape

from postroom import wire
from postroom.devkit.demo.steps import Seen, StepFailed, Storyteller

QUEUE = "email.send"
CROWD, OUTAGE_MAILS, AWAY_SECONDS = "crowd@example.com", 40, 4.0
FULL, FAILURES = "552 5.2.2 mailbox full", 50


async def outage(story: Storyteller) -> None:
    """The mail server stops for some seconds. Nothing dies, no try is used, all mails arrive."""
    stage = story.stage
    dead, retried = await stage.depth(wire.dead_queue(QUEUE)), await stage.retries(QUEUE)
    await stage.mail_server.go_away()
    began = time.time()
    story.tell("the mail server is stopped")
    for number in range(OUTAGE_MAILS):
        await stage.publish(wire.JOBS, QUEUE, {"to": CROWD, "subject": f"News {number + 1}", "body": "Good morning."})
    told = await story.wait(_until_out(story), "/readyz of email to tell of the outage")
    story.tell(f"{time.time() - began:4.1f} s  /readyz of email: [yellow]outage[/], {escape(told['reason'])}")
    await _show_alert(story, "circuit-open", "an alert that the circuit is open")
    await asyncio.sleep(max(0.0, began + AWAY_SECONDS - time.time()))  # that long it is away, whatever happens
    await stage.mail_server.come_back()
    back = time.time()
    story.tell(f"{back - began:4.1f} s  the mail server is back")
    arrived = stage.mail_server.received(OUTAGE_MAILS, to=CROWD, within_seconds=stage.patience_seconds)
    mails = await story.wait(arrived, f"{OUTAGE_MAILS} mails to {CROWD}")
    last = max(mail.received_at for mail in mails)
    await story.wait(_until_over(story), "/readyz of email to tell that the outage is over")
    story.tell(f"{time.time() - began:4.1f} s  /readyz of email: [green]no outage[/]")
    died = await stage.depth(wire.dead_queue(QUEUE)) - dead
    tries = await stage.retries(QUEUE) - retried
    if died or tries or len({mail.subject for mail in mails}) != OUTAGE_MAILS:
        raise StepFailed(f"the outage cost {died} dead letters and {tries} tries, and {len(mails)} mails arrived")
    story.tell(
        f"[green]all {OUTAGE_MAILS} mails arrived[/] {last - back:.1f} s after that: no dead letter, no try used"
    )
    story.seen.append(
        Seen("mail server away for some seconds", f"{OUTAGE_MAILS} mails late, none lost", _ms(began, last))
    )


async def fifty_failures(story: Storyteller) -> None:
    """Fifty mailboxes are full: fifty dead letters of one cause, of which people are told once."""
    stage = story.stage
    dead, began = await stage.depth(wire.dead_queue(QUEUE)), time.time()
    alerts = len(stage.alerts.alerts)
    for number in range(FAILURES):
        mailbox = f"full-{number}@example.com"
        stage.mail_server.answer(mailbox, FULL)
        await stage.publish(wire.JOBS, QUEUE, {"to": mailbox, "subject": "Your invoice", "body": "Thank you."})
    story.tell(f"published to exchange [b]jobs[/], key [b]{QUEUE}[/]: {FAILURES} mails to mailboxes that are full")
    await story.wait(_until_deep(story, dead + FAILURES), f"{FAILURES} dead letters")
    group = await story.wait(_group(story), "the group of these dead letters")
    await _show_alert(story, "mailbox full", "an alert")
    told = [alert for alert in stage.alerts.alerts[alerts:] if "mailbox full" in str(alert)]
    if len(told) != 1:
        raise StepFailed(f"{FAILURES} failures of one cause became {len(told)} alerts")
    story.tell(f"[green]{group['count']} dead letters, one alert[/]; $ postroom dead list shows them as one group:")
    async for line in story.run(["dead", "list", wire.dead_queue(QUEUE)]):
        story.tell(f"  {escape(line)}")
    story.seen.append(Seen(f"{FAILURES} failures of one cause", "one alert", _ms(began, time.time())))


async def _until_out(story: Storyteller) -> dict[str, str]:
    while not (told := (await story.stage.readiness("email")).get("outage")):
        await asyncio.sleep(0.05)
    return dict(told)


async def _until_over(story: Storyteller) -> None:
    while "outage" in await story.stage.readiness("email"):
        await asyncio.sleep(0.05)


async def _until_deep(story: Storyteller, depth: int) -> None:
    while await story.stage.depth(wire.dead_queue(QUEUE)) < depth:
        await asyncio.sleep(0.05)


async def _group(story: Storyteller) -> dict[str, object]:
    while True:
        lines = [line async for line in story.run(["dead", "list", wire.dead_queue(QUEUE), "--json"])]
        groups = [group for queue in json.loads("".join(lines)) for group in queue["groups"]]
        for group in groups:
            if "mailbox full" in group["error"] and group["count"] == FAILURES:
                return dict(group)
        await asyncio.sleep(0.2)


async def _show_alert(story: Storyteller, words: str, name: str) -> None:
    alert = await story.wait(story.stage.alerts.wait_for(words, story.stage.patience_seconds), name)
    story.tell(f"[yellow]alert:[/] {escape(str(alert['title']))}")
    story.tell(f"  [dim]│[/] {escape(str(alert['message']).partition(chr(10))[0])}")


def _ms(began: float, ended: float) -> float:
    return (ended - began) * 1000
