"""The management UI's "Move messages" form, as a person uses it."""

from urllib.parse import quote

import httpx

from postroom.testing import eventually
from tests.support.brokers import VirtualHost
from tests.support.http import http_client


async def move_messages(vhost: VirtualHost, source: str, destination: str) -> None:
    """Do what the form on a queue's page does, and wait until its shovel has removed itself.

    The fields are those of RabbitMQ's own page: the form in `tmpl/queue.ejs` of rabbitmq_management, sent by
    `#/shovel-parameters-move-messages` in `shovel.js` of rabbitmq_shovel_management. They are the same in 3.10 and
    4.3. The script adds consumer arguments that are empty for anything but a stream.
    """
    virtual_host = quote(vhost.name, safe="")
    name = f"Move from {source}"
    shovel = {
        "component": "shovel",
        "vhost": vhost.name,
        "name": name,
        "value": {
            "src-uri": f"amqp:///{virtual_host}",
            "src-queue": source,
            "src-protocol": "amqp091",
            "src-prefetch-count": 1000,
            "src-delete-after": "queue-length",
            "dest-protocol": "amqp091",
            "dest-uri": f"amqp:///{virtual_host}",
            "dest-add-forward-headers": False,
            "ack-mode": "on-confirm",
            "dest-queue": destination,
            "src-consumer-args": {},
        },
    }
    path = f"/parameters/shovel/{virtual_host}/{quote(name)}"
    async with http_client(base_url=f"{vhost.management_url}/api", auth=(vhost.user, vhost.password)) as api:
        (await api.put(path, json=shovel)).raise_for_status()

        async def is_removed() -> bool:
            return (await api.get(path)).status_code == httpx.codes.NOT_FOUND

        await eventually(is_removed)
