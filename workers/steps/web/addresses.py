"""Where a call may go. What counts is the address it is connected to, not the name it was given."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract import StepFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_NOWHERE: tuple[Network, ...] = (
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("fec0::/10"),
    ipaddress.ip_network("::/96"),
)
"""Not reachable from everywhere, though some registries call them global."""


def refused(message: str) -> StepFailed:
    """A call that may not be made."""
    return StepFailed(message, code="network_refused", final=True)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the internet at large, and so does the IPv4 address it may have inside."""
    inner = _inside(address)
    if inner is not None:
        return is_public(inner)
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address.version == network.version and address in network for network in _NOWHERE)


def _inside(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None


@dataclass(frozen=True, slots=True)
class Reach:
    """What the operator and the document allow. `domains` None: all of them."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    domains: tuple[str, ...] | None = None
    network: bool = True

    @classmethod
    def of(cls, allowed: Iterable[str], safety: Mapping[str, Any]) -> Reach:
        """From the operator's list of private addresses and names, and a document's `safety`."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in () if safety.get("block_local_network") is True else allowed:
            try:
                networks.append(ipaddress.ip_network(entry.strip(), strict=False))
            except ValueError:
                hosts.add(_plain(entry.strip()))
        domains = safety.get("allowed_domains")
        return cls(
            networks=tuple(networks),
            hosts=frozenset(hosts),
            domains=tuple(_plain(str(domain)) for domain in domains) if isinstance(domains, list) else None,
            network=safety.get("allow_network") is not False,
        )

    def check_host(self, host: str) -> None:
        """Whether the document lets calls go to this name."""
        if not self.network:
            raise refused("The melody says `safety: {allow_network: false}`, so nothing may be called.")
        name = _plain(host)
        if self.domains is not None and not any(_is_within(name, domain) for domain in self.domains):
            raise refused(
                f"{host} is not among the melody's `safety.allowed_domains`: {', '.join(self.domains)[:500]}."
            )

    def lets_through(self, host: str, address: Address) -> bool:
        """Whether a connection for this name may go to this address."""
        if is_public(address):
            return True
        inner = _inside(address)
        candidates = (address,) if inner is None else (address, inner)
        return _plain(host) in self.hosts or any(
            one.version == network.version and one in network for one in candidates for network in self.networks
        )


def _plain(host: str) -> str:
    return host.lower().rstrip(".").strip("[]")


def _is_within(name: str, domain: str) -> bool:
    """A domain stands for itself and everything below it; `*.domain` only for what is below."""
    if domain.startswith("*."):
        return name.endswith(domain[1:])
    return name == domain or name.endswith(f".{domain}")
