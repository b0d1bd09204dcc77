"""A FastAPI application that publishes: `fastapi run fastapi_app.py`, or one request by `python fastapi_app.py`.

pip install postroom fastapi; this has an event loop, so it takes the publisher that is awaited.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.testclient import TestClient

from postroom import Publisher, SendEmail

publisher = Publisher(os.environ.get("POSTROOM_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F"))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """One publisher for the whole application; it is closed with it."""
    async with publisher:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/sign-up", status_code=202)
async def sign_up(address: str) -> dict[str, str]:
    """Answer 202 when the broker has the message on disk."""
    mail = SendEmail(to=[address], subject="Hello from FastAPI", body="Hi Ada")
    return {"message_id": await publisher.publish(mail)}


if __name__ == "__main__":
    with TestClient(app) as client:
        print("answered", client.post("/sign-up", params={"address": "ada@example.com"}).status_code)
