"""What goes on in the background must not end unseen."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from postroom.runtime.background import in_background


async def go_on_for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ZeroDivisionError


async def come_to_an_end() -> None:
    return


async def be_cancelled_within() -> None:
    raise asyncio.CancelledError


async def fail_when_cancelled() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ZeroDivisionError


async def not_end_when_asked_once() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (fail, "ZeroDivisionError"),
        (come_to_an_end, "it returned"),
        (be_cancelled_within, "something that it waited for was cancelled"),
    ],
)
async def test_an_end_by_itself_is_noticed_whatever_it_was(work, why: str, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    ended = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        in_background(stack, work(), ended.set)
        await ended.wait()

    assert f"{work.__name__} has ended ({why})" in caplog.text


@pytest.mark.parametrize("work", [go_on_for_ever, fail_when_cancelled, not_end_when_asked_once])
async def test_the_end_of_the_process_is_its_end_and_nothing_to_notice(work) -> None:  # type: ignore[no-untyped-def]
    ended = asyncio.Event()
    async with asyncio.timeout(60):
        async with AsyncExitStack() as stack:
            task = in_background(stack, work(), ended.set)
            await asyncio.sleep(0)
    assert task.cancelling()
    assert not ended.is_set()
