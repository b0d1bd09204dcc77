"""Which addresses may be called: public ones, and those that the operator allows.

The tables are written out here and not left to `ipaddress.is_global`, whose answers differ between versions of
Python. They follow IANA's registries of special-purpose addresses.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from postroom.wire.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = {
    IPv4Network("0.0.0.0/8"): "this network",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "carrier-grade NAT",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link-local",
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "reserved",
    IPv4Network("192.0.2.0/24"): "documentation",
    IPv4Network("192.88.99.0/24"): "6to4 relay",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("198.18.0.0/15"): "benchmarking",
    IPv4Network("198.51.100.0/24"): "documentation",
    IPv4Network("203.0.113.0/24"): "documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}
_PUBLIC_6 = IPv6Network("2000::/3")  # all that has been given out; what lies outside has some special meaning
_NOT_PUBLIC_6 = {
    IPv6Network("2001::/23"): "reserved",  # Teredo, ORCHID, benchmarking and others
    IPv6Network("2001:db8::/32"): "documentation",
    IPv6Network("3fff::/20"): "documentation",
}
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")


class AllowedAddresses:
    """Decides whether an address may be called.

    Args:
        networks: those that may although they are not public.
    """

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = networks

    def refusal(self, address: Address) -> str | None:
        """Why `address` may not be called; None when it may.

        An IPv6 address that stands for an IPv4 address is never public: a translator on the way would take the call
        to that one. It has to be allowed itself, and so has an inner address that is not public.
        """
        inner = embedded(address)
        if inner is not None:
            if isinstance(address, IPv6Address) and address.ipv4_mapped is None and not self._names(address):
                return f"stands for {inner}"
            return self.refusal(inner)
        return None if self._names(address) else _special_meaning(address)

    def _names(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address carries: mapped, compatible, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    is_compatible = address in _COMPATIBLE and int(address) > 0xFFFF  # `::` and `::1` are no IPv4 addresses
    if is_compatible or any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def parse_networks(text: str, variable: str) -> tuple[Network, ...]:
    """The networks of a setting, comma-separated. Raises ConfigurationError naming the entry."""
    networks = []
    for entry in filter(None, (each.strip() for each in text.split(","))):
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            raise ConfigurationError(f"{variable}: {error}; write 10.1.2.0/24") from None
    return tuple(networks)


def _special_meaning(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((name for network, name in _NOT_PUBLIC_4.items() if address in network), None)
    if address.scope_id is not None or address not in _PUBLIC_6:
        return _name_of_special(address)
    return next((name for network, name in _NOT_PUBLIC_6.items() if address in network), None)


def _name_of_special(address: IPv6Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local or address.scope_id is not None:
        return "link-local"
    return "multicast" if address.is_multicast else "not public"
