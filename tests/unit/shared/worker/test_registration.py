"""Handlers: registered once, with everything they ask for."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from postroom.testing import make_delivery
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import Event, Job
from postroom.worker import Delivery, Keep, Worker


class Post(Job):
    kind: ClassVar[str] = "mail.post"


class Posted(Event):
    kind: ClassVar[str] = "mail.posted"


class Port: ...


def test_a_job_has_the_queue_of_its_kind_and_an_event_one_of_the_service_s_own() -> None:
    worker = Worker("mail")

    @worker.handles(Post, prefetch=7, time_limit=timedelta(seconds=3), history=Keep.ALWAYS)
    async def post(job: Post) -> None: ...

    @worker.listens(Posted)
    async def posted(event: Posted) -> None: ...

    @worker.consumes("alerting")
    async def read(delivery: Delivery) -> None: ...

    @worker.overhears()
    async def hear(delivery: Delivery) -> None: ...

    found = {name: (s.exchange, s.binding_key, s.model) for name, s in worker.subscriptions.items()}
    assert found == {
        "mail.post": ("jobs", "mail.post", Post),
        "mail.on.mail.posted": ("events", "mail.posted", Posted),
        "alerting": ("", "", None),
        "mail.on.all": ("events", "#", None),
    }
    options = worker.subscriptions["mail.post"].options
    assert (options.prefetch, options.time_limit, options.history) == (7, timedelta(seconds=3), Keep.ALWAYS)


async def test_a_handler_gets_the_message_the_delivery_and_its_ports() -> None:
    worker, port, got = Worker("mail"), Port(), []

    @worker.handles(Post)
    async def post(job: Post, delivery: Delivery, port: Port) -> None:
        got.append((job, delivery, port))

    message, delivery = Post(), make_delivery(Post())
    await worker.subscriptions["mail.post"].bind({Port: port})(message, delivery)

    assert got == [(message, delivery, port)]


async def test_a_raw_reader_gets_the_delivery_itself() -> None:
    worker, got = Worker("mail"), []

    @worker.consumes("alerting")
    async def read(delivery: Delivery) -> None:
        got.append(delivery)

    delivery = make_delivery(b"not JSON")
    await worker.subscriptions["alerting"].bind({})(delivery, delivery)

    assert got == [delivery]


def test_a_port_that_nobody_provides_is_named() -> None:
    worker = Worker("mail")

    @worker.handles(Post)
    async def post(job: Post, port: Port) -> None: ...

    with pytest.raises(ConfigurationError, match=r"post asks for port: Port, which mail's app\.py does not provide"):
        worker.subscriptions["mail.post"].bind({})


def test_one_kind_has_one_handler() -> None:
    worker = Worker("mail")

    @worker.handles(Post)
    async def first(job: Post) -> None: ...

    with pytest.raises(ConfigurationError, match=r"mail\.post is already read by .*first; one kind has one handler"):

        @worker.handles(Post)
        async def second(job: Post) -> None: ...


def test_a_handler_is_an_async_function() -> None:
    def post(job: Post) -> None: ...

    with pytest.raises(ConfigurationError, match="post must be an async function"):
        Worker("mail").handles(Post)(post)  # type: ignore[type-var]


@pytest.mark.parametrize(("register", "model"), [("handles", Posted), ("listens", Post)])
def test_jobs_are_handled_and_events_listened_to(register: str, model: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{model.__name__} is not a"):
        getattr(Worker("mail"), register)(model)
