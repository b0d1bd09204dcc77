from postroom.broker.topology.asyncapi import asyncapi
from postroom.wire.messages import KINDS
from postroom.worker.registration import Subscription


def test_each_kind_is_a_channel_of_its_exchange(subscriptions: list[Subscription]) -> None:
    channels = asyncapi(KINDS, subscriptions, "1.0")["channels"]

    exchanges = {kind: channel["bindings"]["amqp"]["exchange"]["name"] for kind, channel in channels.items()}
    assert set(channels) == set(KINDS)
    assert exchanges["email.send"] == "jobs"
    assert exchanges["user.created"] == "events"


def test_each_reader_is_an_operation_on_its_kinds_channel(subscriptions: list[Subscription]) -> None:
    operations = asyncapi(KINDS, subscriptions, "1.0")["operations"]

    assert operations["email.on.user.created"] == {
        "action": "receive",
        "title": "email takes user.created from the queue email.on.user.created",
        "channel": {"$ref": "#/channels/user.created"},
    }


def test_every_reference_within_the_document_leads_somewhere(subscriptions: list[Subscription]) -> None:
    document = asyncapi(KINDS, subscriptions, "1.0")
    references: list[str] = []

    def collect(node: object) -> None:
        if isinstance(node, dict):
            references.extend([node["$ref"]] if "$ref" in node else [])
            for value in node.values():
                collect(value)

    collect(document)

    for reference in references:
        if reference.startswith("./"):
            assert reference[2:].removesuffix(".json") in KINDS
            continue
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node
