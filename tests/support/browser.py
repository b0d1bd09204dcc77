"""Debian's Chromium, driven through Playwright: a person at a screen.

Playwright's own browsers are downloads; none is needed.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.support.patience import REACTION, seconds

OFFLINE = (
    "--no-first-run",
    "--no-proxy-server",
    "--disable-gpu",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
"""What keeps the browser from asking anybody but the server under test."""
SCREEN: ViewportSize = {"width": 1100, "height": 760}


@asynccontextmanager
async def browser_at(program: str) -> AsyncIterator[Browser]:
    """A running browser with a profile of its own; closed at the end."""
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    expect.set_options(timeout=1000 * seconds(REACTION))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*OFFLINE, *as_root])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_in(browser: Browser) -> AsyncIterator[Page]:
    """An empty page, without cookies or memory of earlier ones."""
    page = await browser.new_page(viewport=SCREEN, locale="en-GB", timezone_id="UTC")
    page.set_default_timeout(1000 * seconds(REACTION))
    try:
        yield page
    finally:
        await page.close()
