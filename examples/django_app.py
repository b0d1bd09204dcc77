"""A Django application that publishes: `python django_app.py runserver`, or one request by `python django_app.py`.

pip install postroom django
"""

import os
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.urls import path

from postroom import BlockingPublisher, SendEmail

# One for the whole application. It connects at the first publish, in each process that a server forks.
publisher = BlockingPublisher(os.environ.get("POSTROOM_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F"))


def sign_up(request: HttpRequest) -> JsonResponse:
    """Answer 202 when the broker has the message on disk."""
    mail = SendEmail(to=[request.POST["address"]], subject="Hello from Django", body="Hi Ada")
    return JsonResponse({"message_id": publisher.publish(mail)}, status=202)


urlpatterns = [path("sign-up", sign_up)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="an example has none")  # noqa: S106
django.setup()

if __name__ == "__main__":
    if len(sys.argv) > 1:
        execute_from_command_line(sys.argv)
    else:
        print("answered", Client().post("/sign-up", {"address": "ada@example.com"}).status_code)
        publisher.close()
