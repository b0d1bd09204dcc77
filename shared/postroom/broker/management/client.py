"""The calls that Postroom makes to the management API."""

from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from postroom.broker.management.connection import ApiConnection
from postroom.broker.management.records import (
    BindingInfo,
    ExchangeInfo,
    NodeInfo,
    PermissionInfo,
    PolicyInfo,
    QueueInfo,
    TopicPermissionInfo,
    UserInfo,
    node_info,
    policy_info,
    queue_info,
)
from postroom.patience import patience
from postroom.settings import RuntimeSettings

PAGE_SIZE = 500  # the API's own upper limit
QUEUE_COLUMNS = (
    *("name", "type", "durable", "auto_delete", "exclusive", "arguments", "policy"),
    *("messages", "messages_unacknowledged", "messages_dlx", "consumers"),
    *(f"message_stats.{count}" for count in ("ack", "deliver_no_ack", "get_no_ack")),
)


TIME_LIMIT = timedelta(seconds=15)


class Management:
    """The management API for one virtual host.

    Args:
        url: base URL without user and password, `http://host:15672`.
        user: needs the `management` tag to read, `policymaker` to write policies, `administrator` for users.
        password: never part of a message or of `repr`.
        virtual_host: the one all calls are about.
        time_limit: for one request; 15 seconds, stretched by POSTROOM_PATIENCE, when absent.

    Raises ManagementUnavailable, ManagementRefused or ManagementError from every call.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        virtual_host: str = "/",
        *,
        time_limit: timedelta | None = None,
    ) -> None:
        self.url = url
        self.virtual_host = virtual_host
        self._api = ApiConnection(
            url, user, password, virtual_host, patience(TIME_LIMIT) if time_limit is None else time_limit
        )

    @classmethod
    def from_settings(cls, settings: RuntimeSettings) -> Self:
        """The API beside the broker of POSTROOM_AMQP_URL, or at POSTROOM_MANAGEMENT_URL."""
        return cls(*settings.broker_management(), settings.virtual_host())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def version(self) -> str:
        """The broker's version, `4.3.6`."""
        return str(self._api.call("GET", "/overview")["rabbitmq_version"])

    def nodes(self) -> list[NodeInfo]:
        """The nodes of the cluster. Needs the tag `monitoring`."""
        return [node_info(item) for item in self._api.call("GET", "/nodes")]

    def virtual_hosts(self) -> list[str]:
        """The virtual hosts this user may see."""
        return [host["name"] for host in self._api.call("GET", "/vhosts")]

    def create_virtual_host(self) -> None:
        """Create the virtual host; nothing changes where it exists."""
        self._api.call("PUT", f"/vhosts/{self._vhost}", json={})

    def delete_virtual_host(self) -> None:
        """Delete the virtual host and all that is in it."""
        self._api.call("DELETE", f"/vhosts/{self._vhost}")

    def exchanges(self) -> list[ExchangeInfo]:
        """All exchanges but the broker's own (`amq.…` and the default one)."""
        return [
            ExchangeInfo(item["name"], item["type"], item["durable"], item["arguments"])
            for item in self._api.call("GET", f"/exchanges/{self._vhost}")
            if item["name"] and not item["name"].startswith("amq.")
        ]

    def queues(self) -> list[QueueInfo]:
        """All queues, read page by page."""
        columns = ",".join(QUEUE_COLUMNS)
        found: list[QueueInfo] = []
        page, pages = 1, 1
        while page <= pages:
            parameters = {"page": page, "page_size": PAGE_SIZE, "columns": columns}
            answer = self._api.call("GET", f"/queues/{self._vhost}", params=parameters)
            found += [queue_info(item) for item in answer["items"]]
            page, pages = page + 1, answer["page_count"]
        return found

    def bindings(self) -> list[BindingInfo]:
        """All bindings but those that every queue has to the default exchange."""
        return [
            BindingInfo(
                source=item["source"],
                destination=item["destination"],
                to_exchange=item["destination_type"] == "exchange",
                key=item["routing_key"],
                arguments=item["arguments"],
                properties_key=item["properties_key"],
            )
            for item in self._api.call("GET", f"/bindings/{self._vhost}")
            if item["source"]
        ]

    def policies(self) -> list[PolicyInfo]:
        """All policies that users set."""
        return [policy_info(item) for item in self._api.call("GET", f"/policies/{self._vhost}")]

    def operator_policies(self) -> list[PolicyInfo]:
        """The operator policies: merged into the others, the stricter value wins."""
        return [policy_info(item) for item in self._api.call("GET", f"/operator-policies/{self._vhost}")]

    def create_exchange(self, name: str, kind: str, arguments: Mapping[str, Any]) -> None:
        """Create a durable exchange."""
        body = {"type": kind, "durable": True, "auto_delete": False, "arguments": dict(arguments)}
        self._api.call("PUT", f"/exchanges/{self._vhost}/{_quoted(name)}", json=body)

    def create_queue(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Create a durable queue."""
        body = {"durable": True, "auto_delete": False, "arguments": dict(arguments)}
        self._api.call("PUT", f"/queues/{self._vhost}/{_quoted(name)}", json=body)

    def delete_queue(self, name: str) -> None:
        """Delete a queue and the messages in it."""
        self._api.call("DELETE", f"/queues/{self._vhost}/{_quoted(name)}")

    def bind(self, source: str, destination: str, key: str, *, to_exchange: bool = False) -> None:
        """Bind a queue, or an exchange, to the exchange `source`."""
        path = self._between(source, destination, to_exchange=to_exchange)
        self._api.call("POST", path, json={"routing_key": key, "arguments": {}})

    def unbind(self, binding: BindingInfo) -> None:
        """Remove one binding."""
        path = self._between(binding.source, binding.destination, to_exchange=binding.to_exchange)
        self._api.call("DELETE", f"{path}/{_quoted(binding.properties_key)}")

    def put_policy(self, policy: PolicyInfo) -> None:
        """Create or replace a policy."""
        body = {
            "pattern": policy.pattern,
            "definition": dict(policy.definition),
            "priority": policy.priority,
            "apply-to": policy.apply_to,
        }
        self._api.call("PUT", f"/policies/{self._vhost}/{_quoted(policy.name)}", json=body)

    def delete_policy(self, name: str) -> None:
        """Remove a policy."""
        self._api.call("DELETE", f"/policies/{self._vhost}/{_quoted(name)}")

    def import_definitions(self, definitions: Mapping[str, Any]) -> None:
        """Create all that a definitions file names, in its own virtual hosts; what exists already stays."""
        self._api.call("POST", "/definitions", json=definitions)

    def users(self) -> list[UserInfo]:
        """All users of the broker."""
        return [
            UserInfo(item["name"], tuple(item["tags"]), item["password_hash"])
            for item in self._api.call("GET", "/users")
        ]

    def put_user(self, user: UserInfo) -> None:
        """Create a user or change its password and tags. Its open connections stay."""
        body = {
            "password_hash": user.password_hash,
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ",".join(user.tags),
        }
        self._api.call("PUT", f"/users/{_quoted(user.name)}", json=body)

    def delete_user(self, name: str) -> None:
        """Remove a user and its permissions in all virtual hosts."""
        self._api.call("DELETE", f"/users/{_quoted(name)}")

    def permissions(self) -> list[PermissionInfo]:
        """What users may do in the virtual host."""
        return [
            PermissionInfo(item["user"], item["configure"], item["write"], item["read"])
            for item in self._api.call("GET", f"/vhosts/{self._vhost}/permissions")
        ]

    def put_permission(self, permission: PermissionInfo) -> None:
        """Set a user's permission in the virtual host, in place of the one before."""
        body = {"configure": permission.configure, "write": permission.write, "read": permission.read}
        self._api.call("PUT", f"/permissions/{self._vhost}/{_quoted(permission.user)}", json=body)

    def topic_permissions(self) -> list[TopicPermissionInfo]:
        """What users may publish to topic exchanges. Without an entry a user may use every routing key."""
        return [
            TopicPermissionInfo(item["user"], item["exchange"], item["write"], item["read"])
            for item in self._api.call("GET", f"/vhosts/{self._vhost}/topic-permissions")
        ]

    def put_topic_permission(self, permission: TopicPermissionInfo) -> None:
        """Narrow what a user may publish to one topic exchange."""
        body = {"exchange": permission.exchange, "write": permission.write, "read": permission.read}
        self._api.call("PUT", f"/topic-permissions/{self._vhost}/{_quoted(permission.user)}", json=body)

    @property
    def _vhost(self) -> str:
        return _quoted(self.virtual_host)

    def _between(self, source: str, destination: str, *, to_exchange: bool) -> str:
        kind = "e" if to_exchange else "q"
        return f"/bindings/{self._vhost}/e/{_quoted(source)}/{kind}/{_quoted(destination)}"


def _quoted(name: str) -> str:
    return quote(name, safe="")
