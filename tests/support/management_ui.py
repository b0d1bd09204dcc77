"""RabbitMQ's management UI as an operator uses it: by its links, forms and buttons, and by what the pages say.

Nothing here asks the management API; the pages do. The same on RabbitMQ 3.10 and 4.x, but for `move_first`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, Response, expect

from tests.support.browser import SCREEN
from tests.support.patience import COUNTED, seconds

PICTURES = "POSTROOM_PICTURES"
"""The folder for pictures of the steps, from where the documents show them."""
HEADER_PIXELS = 200
"""What the page's fixed header covers, and some of what is above the section."""
NUMBERS_PIXELS = 345
"""Where the numbers of a queue's page end."""
"""The broker counts every five seconds, and the page asks every five seconds."""


@dataclass(frozen=True)
class Login:
    """Who logs in."""

    user: str
    password: str


def are_pictures_wanted() -> bool:
    """Whether this run makes the documents' pictures: names are then fit to be shown.

    Never on a given broker, where somebody may have the same names.
    """
    return PICTURES in os.environ and "POSTROOM_AMQP_URL" not in os.environ


@dataclass(frozen=True)
class ManagementUi:
    """The UI in an open page. `pictures` is the folder of what `picture` takes."""

    page: Page
    url: str
    pictures: Path

    async def log_in(self, login: Login, picture: str = "") -> None:
        """Fill the login form and send it."""
        await self.page.goto(self.url)
        await self.page.fill("[name=username]", login.user)
        await self.page.fill("[name=password]", login.password)
        await self.picture(picture, self.page.locator("#login"))
        await self.page.click("#login [type=submit]")
        await expect(self.page.locator("#tabs")).to_be_visible()

    async def log_in_again(self, login: Login) -> None:
        """Log out, and in as somebody else."""
        await self.page.click("#logout [type=submit]")
        await expect(self.page.locator("#login")).to_be_visible()
        await self.log_in(login)

    async def open_queue(self, name: str) -> None:
        """Go to the list of queues, and from there to the queue's page."""
        await self.page.click("#tabs a[href='#/queues']")
        await self.page.locator("table.list").get_by_role("link", name=name, exact=True).click()
        await expect(self.page.locator("h1 b").first).to_have_text(name)

    async def unfold(self, title: str) -> Locator:
        """The section of the page under this title, open."""
        section = self.page.locator(f"xpath=//h2[starts-with(normalize-space(), '{title}')]/parent::div").first
        content = section.locator(".hider").first
        if not await content.is_visible():
            await section.locator("h2").click()
        await expect(content).to_be_visible()
        return section

    async def move_messages(self, source: str, destination: str, picture: str = "") -> None:
        """Move all messages with the form on the queue's page. They may still be under way afterwards."""
        await self.open_queue(source)
        section = await self.unfold("Move messages")
        await section.locator("[name=dest-queue]").fill(destination)
        await self.picture(picture, section)
        await self._submit(section, "/parameters/shovel/")

    async def move_first(self, count: int, source: str, destination: str, uri: str, picture: str = "") -> None:
        """Move the oldest `count` messages with a shovel of the kind "Local", which RabbitMQ has since 4.2."""
        section = await self.open_new_shovel()
        await section.locator("[name=name]").fill(f"first {count} of {source}")
        await section.locator("[name=src-protocol-selector]").select_option(label="Local")
        await section.locator("[name=local-src-uri]").fill(uri)
        await section.locator("[name=local-src-queue]").fill(source)
        await section.locator("[name=local-src-delete-after-selector]").select_option(label="After num messages")
        await section.locator("[name=local-src-delete-after]").fill(str(count))
        await section.locator("[name=dest-protocol-selector]").select_option(label="Local")
        await section.locator("[name=local-dest-uri]").fill(uri)
        await section.locator("[name=local-dest-queue]").fill(destination)
        await self.picture(picture, section)
        await self._submit(section, "/parameters/shovel/")

    async def open_new_shovel(self) -> Locator:
        """The form of Admin, Shovel Management."""
        await self.page.click("#tabs a[href='#/users'], #tabs a[href='#/policies']")
        await self.page.get_by_role("link", name="Shovel Management").click()
        return await self.unfold("Add a new shovel")

    async def get_messages(self, queue: str, count: int = 1, picture: str = "") -> list[str]:
        """What the page shows of the oldest messages, which stay in the queue."""
        await self.open_queue(queue)
        section = await self.unfold("Get messages")
        await expect(section.locator("[name=ackmode]")).to_have_value("ack_requeue_true")
        await section.locator("[name=count]").fill(str(count))
        await self._submit(section, "/get")
        shown = section.locator("#msg-wrapper .box")
        await expect(shown.first).to_be_visible()
        await self.picture(picture, shown.first)
        return await shown.all_inner_texts()

    async def publish(
        self, queue: str, payload: str, properties: Mapping[str, str], headers: Mapping[str, str], picture: str = ""
    ) -> None:
        """Put a new message into the queue with the form on its page."""
        await self.open_queue(queue)
        section = await self.unfold("Publish message")
        for field, pairs in (("headers", headers), ("props", properties)):
            for number, (name, value) in enumerate(pairs.items(), 1):
                await self._type(section.locator(f"[name={field}_{number}_mfkey]"), name)
                await self._type(section.locator(f"[name={field}_{number}_mfvalue]"), value)
        await section.locator("[name=payload]").fill(payload)
        await self.picture(picture, section)
        await self._submit(section, "/publish")
        await expect(self.page.locator(".form-popup-info")).to_contain_text("Message published")
        await self.page.locator(".form-popup-info").get_by_text("Close").click()

    async def delete_queue(self, name: str) -> Response:
        """Delete the queue with the form on its page; the broker's answer, which may be a refusal."""
        await self.open_queue(name)
        section = await self.unfold("Delete")
        self.page.once("dialog", lambda dialog: dialog.accept())
        async with self.page.expect_response(lambda answer: answer.request.method == "DELETE") as answer:
            await section.locator("[type=submit]").first.click()
        return await answer.value

    async def lists_no(self, queue: str) -> None:
        """Wait until the list of queues does not have it."""
        await self.page.click("#tabs a[href='#/queues']")
        link = self.page.locator("table.list").get_by_role("link", name=queue, exact=True)
        await expect(link).to_have_count(0, timeout=1000 * seconds(COUNTED))

    async def shows_ready(self, queue: str, count: int, picture: str = "") -> None:
        """Wait until the queue's page says that so many messages are ready."""
        await self.open_queue(queue)
        overview = await self.unfold("Overview")
        row = overview.locator(".legend tr").filter(has=self.page.get_by_text("Ready", exact=True)).first
        await expect(row.locator("td").first).to_have_text(
            re.compile(rf"^\s*{count}\s*$"), timeout=1000 * seconds(COUNTED)
        )
        await self.picture(picture, overview, NUMBERS_PIXELS)

    async def picture(self, name: str, shown: Locator, highest: int = SCREEN["height"] - 20) -> None:
        """Keep what the screen shows, from its top to the end of `shown`. Without a name, nothing."""
        if not name:
            return
        await self.page.wait_for_function("() => jQuery(':animated').length === 0")
        await shown.evaluate(
            "(it, header) => window.scrollTo(0, it.getBoundingClientRect().top + scrollY - header)", HEADER_PIXELS
        )
        box = await shown.bounding_box()
        assert box is not None, f"nothing to be seen for {name}"
        await self.page.screenshot(
            path=self.pictures / f"management-{name}.png",
            clip={"x": 0, "y": 0, "width": SCREEN["width"], "height": min(box["y"] + box["height"] + 20, highest)},
            animations="disabled",
        )

    async def _submit(self, section: Locator, path: str) -> None:
        """Press the section's button; the broker must take it."""
        async with self.page.expect_response(
            lambda answer: path in answer.url and answer.request.method in ("PUT", "POST")
        ) as answer:
            await section.locator("form [type=submit]").first.click()
        response = await answer.value
        assert response.ok, f"{response.status} {await response.text()}"

    async def _type(self, field: Locator, text: str) -> None:
        """Key by key: the page adds the next line when a key is let go."""
        await field.click()
        await field.press_sequentially(text)
