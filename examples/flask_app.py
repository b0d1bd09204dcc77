"""A Flask application that publishes: `flask --app flask_app run`, or one request by `python flask_app.py`.

pip install postroom flask
"""

import os

from flask import Flask, request

from postroom import BlockingPublisher, SendEmail

app = Flask(__name__)
# One for the whole application. It connects at the first publish, in each process that a server forks.
publisher = BlockingPublisher(os.environ.get("POSTROOM_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F"))


@app.post("/sign-up")
def sign_up() -> tuple[dict[str, str], int]:
    """Answer 202 when the broker has the message on disk."""
    mail = SendEmail(to=[request.form["address"]], subject="Hello from Flask", body="Hi Ada")
    return {"message_id": publisher.publish(mail)}, 202


if __name__ == "__main__":
    print("answered", app.test_client().post("/sign-up", data={"address": "ada@example.com"}).status)
    publisher.close()
