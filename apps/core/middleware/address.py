"""Whose request it is, behind proxies: only what trusted ones say is believed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.core.exceptions import ImproperlyConfigured

_LONGEST_CHAIN: Final = 4096


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Either how many proxies stand before us, or the networks they are in. Neither: no header is believed."""

    count: int = 0
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, items: Sequence[str]) -> TrustedProxies:
        """ "2", or "10.0.0.0/8,192.168.1.7". ValueError says which part is neither."""
        if len(items) == 1 and items[0].isascii() and items[0].isdigit():
            return cls(count=int(items[0]))
        return cls(networks=tuple(ip_network(item, strict=False) for item in items))

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address, "" where it is unknown. `peer` is who connected, `forwarded_for` the whole header."""
        if not forwarded_for or not (self.count or self.networks):
            return _address(peer)
        hops = [_address(peer), *(_address(part) for part in reversed(forwarded_for[:_LONGEST_CHAIN].split(",")))]
        if self.count:
            return hops[min(self.count, len(hops) - 1)]
        for hop in hops:
            if not hop or not self._trusts(hop):
                return hop
        return hops[-1]

    def _trusts(self, address: str) -> bool:
        parsed = ip_address(address)
        return any(parsed in network for network in self.networks)


def trusted_proxies(items: Sequence[str]) -> tuple[str, ...]:
    """The items as they are, for the settings; ImproperlyConfigured when they are nothing of the kind."""
    try:
        TrustedProxies.parse(items)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"SYMPHONY_TRUSTED_PROXIES is a number of proxies, or networks such as 10.0.0.0/8 with commas: {error}."
        ) from None
    return tuple(items)


@lru_cache(maxsize=4096)
def _address(text: str) -> str:
    """As the standard writes it, without port or zone; "" for what is none."""
    plain = text.strip().removeprefix("[")
    if plain.count(":") == 1 or "]" in plain:
        plain = plain.partition("]")[0] if "]" in plain else plain.partition(":")[0]
    try:
        parsed = ip_address(plain.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)
