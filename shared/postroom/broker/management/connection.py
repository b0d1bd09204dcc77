"""One request to the management API, with a time limit and an error that says what to do."""

import re
import time
from datetime import timedelta
from typing import Any

import httpx

from postroom.tls import authorities_for
from postroom.wire.errors import ManagementError, ManagementRefused, ManagementUnavailable

_NEEDS_ADMINISTRATOR = re.compile(r" /(users|permissions|topic-permissions)|permissions$")


PAUSES_SECONDS = (0.1, 1.0, 3.0)
_REPEATABLE = {"GET", "PUT"}
_NO_ANSWER = "disconnected without sending a response"
_NOT_FORMED = "cluster_not_formed"
"""What RabbitMQ says of a quorum queue whose members did not start in time."""


class ApiConnection:
    """Sends requests to the API at `url`; see Management for the arguments and what is raised."""

    def __init__(self, url: str, user: str, password: str, virtual_host: str, time_limit: timedelta) -> None:
        self.url = url
        self.user = user
        self.virtual_host = virtual_host
        self._http = httpx.Client(
            base_url=f"{url}/api",
            auth=(user, password),
            timeout=httpx.Timeout(time_limit.total_seconds(), connect=5),
            verify=authorities_for(url),  # as the AMQP connection beside it
            trust_env=False,  # the AMQP connection beside it knows no HTTP proxy either
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The answer as JSON, None where it has no body. `options` are those of `httpx.Client.request`.

        An idempotent request is repeated when the broker closes the connection instead of answering, as it does with
        one that was idle, and when it could not form a queue in its time.
        """
        try:
            response = self._answered(method, path, **options)
        except httpx.TimeoutException:
            raise ManagementUnavailable(
                f"the management API at {self.url} took too long to answer {method} {path}; try again, and if it "
                "stays so look at the broker's log"
            ) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ManagementUnavailable(
                f"no management API at {self.url} ({error}): is RabbitMQ running, with "
                "`rabbitmq-plugins enable rabbitmq_management`? Another address goes into POSTROOM_MANAGEMENT_URL"
            ) from None
        if response.is_error:
            raise self._explained(response, f"{method} {path}")
        try:
            return response.json() if response.content else None
        except ValueError:
            raise self._not_the_api() from None

    def _answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        for pause in PAUSES_SECONDS if method in _REPEATABLE else ():
            try:
                response = self._http.request(method, path, **options)
            except httpx.RemoteProtocolError as error:
                if _NO_ANSWER not in str(error):
                    raise
                response = None
            if response is not None and not _may_pass(method, response):
                return response
            time.sleep(pause)
        return self._http.request(method, path, **options)

    def _explained(self, response: httpx.Response, request: str) -> ManagementError:
        reason = _reason(response)
        if response.status_code in (401, 403):
            tags = "administrator" if _NEEDS_ADMINISTRATOR.search(request) else "policymaker management"
            return ManagementRefused(
                f"user {self.user} may not {request} at {self.url} ({reason}): check name and password in "
                f"POSTROOM_AMQP_URL, and its tags: `rabbitmqctl set_user_tags {self.user} {tags}`"
            )
        if response.status_code == 404 and reason is None:
            return self._not_the_api()
        if response.status_code == 404 and request.startswith("GET"):
            return ManagementError(
                f"the broker at {self.url} has no virtual host {self.virtual_host!r}: "
                f"`rabbitmqctl add_vhost {self.virtual_host}`, or another path in POSTROOM_AMQP_URL"
            )
        return ManagementError(f"{request} at {self.url} failed with {response.status_code}: {reason}")

    def _not_the_api(self) -> ManagementUnavailable:
        return ManagementUnavailable(
            f"{self.url} answers, but not as RabbitMQ's management API: correct POSTROOM_MANAGEMENT_URL"
        )


def _reason(response: httpx.Response) -> str | None:
    """What the API says about a failure; None where the answer is not the API's."""
    try:
        answer = response.json()
        return " ".join(str(answer.get("reason") or answer["error"]).split())
    except (ValueError, AttributeError, KeyError):
        return None


def _may_pass(method: str, response: httpx.Response) -> bool:
    """Whether the same may be answered next time: RabbitMQ answers 500 while what was asked about is being deleted."""
    return (method == "GET" and response.is_server_error) or (response.is_error and _NOT_FORMED in response.text)
