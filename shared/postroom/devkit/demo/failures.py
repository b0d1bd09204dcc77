"""The failures that the demo shows: an outage of somebody else's server, and many failures of one cause."""

import asyncio
import json
import time

from rich.markup import escape

from postroom import wire
from postroom.devkit.demo.steps import DemoSteps, StepFailed, StepResult

QUEUE = "email.send"
CROWD, OUTAGE_MAILS, AWAY_SECONDS = "crowd@example.com", 40, 4.0
FULL, FAILURES = "552 5.2.2 mailbox full", 50


async def outage(demo: DemoSteps) -> None:
    """The mail server stops for some seconds. Nothing dies, no try is used, all mails arrive."""
    environment = demo.environment
    dead, retried = await environment.depth(wire.dead_queue(QUEUE)), await environment.retries(QUEUE)
    await environment.mail_server.go_away()
    began = time.time()
    demo.print("the mail server is stopped")
    for number in range(OUTAGE_MAILS):
        await environment.publish(
            wire.JOBS, QUEUE, {"to": CROWD, "subject": f"News {number + 1}", "body": "Good morning."}
        )
    shown = await demo.wait(_until_out(demo), "/readyz of email to show the outage")
    demo.print(f"{time.time() - began:4.1f} s  /readyz of email: [yellow]outage[/], {escape(shown['reason'])}")
    await _show_alert(demo, "circuit-open", "an alert that the circuit is open")
    await asyncio.sleep(max(0.0, began + AWAY_SECONDS - time.time()))  # that long it is away, whatever happens
    await environment.mail_server.come_back()
    back = time.time()
    demo.print(f"{back - began:4.1f} s  the mail server is back")
    arrived = environment.mail_server.received(OUTAGE_MAILS, to=CROWD, within_seconds=environment.patience_seconds)
    mails = await demo.wait(arrived, f"{OUTAGE_MAILS} mails to {CROWD}")
    last = max(mail.received_at for mail in mails)
    await demo.wait(_until_over(demo), "/readyz of email to show that the outage is over")
    demo.print(f"{time.time() - began:4.1f} s  /readyz of email: [green]no outage[/]")
    died = await environment.depth(wire.dead_queue(QUEUE)) - dead
    tries = await environment.retries(QUEUE) - retried
    if died or tries or len({mail.subject for mail in mails}) != OUTAGE_MAILS:
        raise StepFailed(f"the outage cost {died} dead letters and {tries} tries, and {len(mails)} mails arrived")
    demo.print(
        f"[green]all {OUTAGE_MAILS} mails arrived[/] {last - back:.1f} s after that: no dead letter, no try used"
    )
    demo.results.append(
        StepResult("mail server away for some seconds", f"{OUTAGE_MAILS} mails late, none lost", _ms(began, last))
    )


async def fifty_failures(demo: DemoSteps) -> None:
    """Fifty mailboxes are full: fifty dead letters of one cause, and one alert."""
    environment = demo.environment
    dead, began = await environment.depth(wire.dead_queue(QUEUE)), time.time()
    alerts = len(environment.alerts.alerts)
    for number in range(FAILURES):
        mailbox = f"full-{number}@example.com"
        environment.mail_server.answer(mailbox, FULL)
        await environment.publish(wire.JOBS, QUEUE, {"to": mailbox, "subject": "Your invoice", "body": "Thank you."})
    demo.print(f"published to exchange [b]jobs[/], key [b]{QUEUE}[/]: {FAILURES} mails to mailboxes that are full")
    await demo.wait(_until_deep(demo, dead + FAILURES), f"{FAILURES} dead letters")
    group = await demo.wait(_group(demo), "the group of these dead letters")
    await _show_alert(demo, "mailbox full", "an alert")
    shown = [alert for alert in environment.alerts.alerts[alerts:] if "mailbox full" in str(alert)]
    if len(shown) != 1:
        raise StepFailed(f"{FAILURES} failures of one cause became {len(shown)} alerts")
    demo.print(f"[green]{group['count']} dead letters, one alert[/]; $ postroom dead list shows them as one group:")
    async for line in demo.run(["dead", "list", wire.dead_queue(QUEUE)]):
        demo.print(f"  {escape(line)}")
    demo.results.append(StepResult(f"{FAILURES} failures of one cause", "one alert", _ms(began, time.time())))


async def _until_out(demo: DemoSteps) -> dict[str, str]:
    while not (shown := (await demo.environment.readiness("email")).get("outage")):
        await asyncio.sleep(0.05)
    return dict(shown)


async def _until_over(demo: DemoSteps) -> None:
    while "outage" in await demo.environment.readiness("email"):
        await asyncio.sleep(0.05)


async def _until_deep(demo: DemoSteps, depth: int) -> None:
    while await demo.environment.depth(wire.dead_queue(QUEUE)) < depth:
        await asyncio.sleep(0.05)


async def _group(demo: DemoSteps) -> dict[str, object]:
    while True:
        lines = [line async for line in demo.run(["dead", "list", wire.dead_queue(QUEUE), "--json"])]
        groups = [group for queue in json.loads("".join(lines)) for group in queue["groups"]]
        for group in groups:
            if "mailbox full" in group["error"] and group["count"] == FAILURES:
                return dict(group)
        await asyncio.sleep(0.2)


async def _show_alert(demo: DemoSteps, words: str, name: str) -> None:
    alert = await demo.wait(demo.environment.alerts.wait_for(words, demo.environment.patience_seconds), name)
    demo.print(f"[yellow]alert:[/] {escape(str(alert['title']))}")
    demo.print(f"  [dim]│[/] {escape(str(alert['message']).partition(chr(10))[0])}")


def _ms(began: float, ended: float) -> float:
    return (ended - began) * 1000
