from ipaddress import ip_address, ip_network

import pytest

from postroom_webhook.errors import HeaderNotAllowed, InvalidUrl
from postroom_webhook.headers import check_headers
from postroom_webhook.networks import AllowedAddresses
from postroom_webhook.urls import parse_target

INSIDE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1"),  # noqa: S104
    *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1", "64:ff9b::808:808"),
    *("64:ff9b:1::a00:1", "2002:808:808::1", "2001:db8::1", "2001:0:1::1", "fec0::1", "5f00::1"),
    *("100::1",),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert AllowedAddresses().refusal(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "100.128.0.1"])
def test_a_public_address_is_called(address: str) -> None:
    assert AllowedAddresses().refusal(ip_address(address)) is None


def test_an_address_inside_another_has_to_be_allowed_too() -> None:
    allowed = AllowedAddresses([ip_network("64:ff9b::/96"), ip_network("10.0.0.0/8")])

    assert allowed.refusal(ip_address("64:ff9b::808:808")) is None
    assert allowed.refusal(ip_address("64:ff9b::a00:1")) is None
    assert allowed.refusal(ip_address("64:ff9b::7f00:1")) == "loopback"


@pytest.mark.parametrize(
    "url",
    [
        *("http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"),
        *("http://user:canary@example.com/", "http://@example.com/", "http://a\\@b/", "http://ex ample.com/"),
        *("ftp://example.com/", "http:///x", "http://example.com:0/", "http://example.com:99999/", "http://a..b/"),
        *("http://[fe80::1%25eth0]/", "http://%31%32%37.0.0.1/", "http://a\r\nb/", "http://-a.example/"),
    ],
)
def test_a_url_that_programs_read_differently_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl) as error:
        parse_target(url)

    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Example.COM./a?b", "example.com:443"),
        ("http://bücher.example/", "xn--bcher-kva.example:80"),
        ("http://127.0.0.1.:81/", "127.0.0.1:81"),
        ("http://[0:0::1]:8080/", "[::1]:8080"),
    ],
)
def test_a_host_is_written_in_one_way(url: str, place: str) -> None:
    assert parse_target(url).place == place


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Webhook-Id", "Connection", "a b", ""])
def test_a_header_of_ours_is_refused(name: str) -> None:
    with pytest.raises(HeaderNotAllowed):
        check_headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\0", "ü"])
def test_a_value_cannot_begin_another_header(value: str) -> None:
    with pytest.raises(HeaderNotAllowed, match=r"headers\.X-A"):
        check_headers({"X-A": value})
