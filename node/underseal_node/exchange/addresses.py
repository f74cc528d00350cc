"""Which URLs and addresses outgoing calls may reach. Pure: nothing is resolved or called here.

A peer's URL is typed in by a person and its name is resolved by a server that the peer controls, so
without these checks a peer could make this node call the router, the cloud's metadata service or
the management listener of its own machine (SSRF, CWE-918).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from underseal_node.exchange.errors import AddressError

__all__ = ["Origin", "check_address", "check_host", "origin_of"]

HTTPS_PORT = 443
MAX_URL_CHARACTERS = 8192

# Never a peer, whatever the settings: metadata services, and what is no host.
NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # "this network", RFC 1122
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # the platform of Azure; in public space, and not for the public
        "169.254.0.0/16",  # link-local, RFC 3927; metadata of most clouds
        "192.0.0.192/32",  # metadata of Oracle Cloud
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/128",  # unspecified
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, RFC 3879
        "ff00::/8",  # multicast
        "100::/64",  # discard-only, RFC 6666
        "fd00:ec2::/32",  # metadata of AWS
        "fd20:ce::/32",  # metadata of Google Cloud
    )
)

# Reached only where private networks are allowed: for one peer, or for all.
PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relay anycast
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "::1/128",
        "fc00::/7",  # unique local
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation, RFC 9637
    )
)

# IPv6 forms with an IPv4 address inside: a way round the table above, and no way to name a peer.
EMBEDDING = tuple(
    ip_network(text)
    for text in (
        "::ffff:0:0/96",  # mapped
        "::ffff:0:0:0/96",  # translated, RFC 2765
        "::/96",  # compatible, RFC 4291; holds ::1, which is looked at first
        "64:ff9b::/96",  # NAT64, RFC 6052
        "64:ff9b:1::/48",  # local NAT64, RFC 8215
        "2001::/23",  # Teredo, ORCHID and other assignments
        "2002::/16",  # 6to4
    )
)

# The only IPv6 space that is handed out to hosts on the Internet.
GLOBAL_V6 = ip_network("2000::/3")

PRIVATE_HINT = (
    "If the peer is meant to be in a private network: --allow-private-network, with `underseal "
    "peer accept` or `underseal peer set NAME`; for all peers, set "
    "UNDERSEAL_ALLOW_PRIVATE_NETWORKS=true."
)


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port: whom a connection and a token are for (RFC 6454).

    Attributes:
        host: in lower case, IPv6 without brackets.
        port: a number, also when it is the default.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}" if self.port == HTTPS_PORT else f"https://{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of a URL that may be called.

    Raises:
        AddressError: it is not https, has user-info, a fragment or odd characters, or no host.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise AddressError(f"a URL of {len(url)} characters is too long to be called")
    # urlsplit drops tabs and line ends silently; what another reader makes of them is unknown.
    if any(character <= " " or character in '\\"<>^`{|}\x7f' for character in url):
        raise AddressError(f"{_shown(url)} has characters that do not belong into a URL")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        # What the error says may be part of a password with a slash in it.
        reason = "" if "@" in url else f": {error}"
        raise AddressError(f"{_shown(url)} is not a URL{reason}") from None
    if parts.scheme != "https":
        raise AddressError(
            f"{_shown(url)} is not an https URL", hint="Peers are called over https only."
        )
    if "@" in parts.netloc:
        raise AddressError(
            "a URL with a user name or password in it is not called",
            hint="Credentials for a peer are given with --client-id and --client-secret-file.",
        )
    if parts.fragment:
        raise AddressError(f"{_shown(url)} has a fragment, which means nothing to a server")
    if not host or "%" in host:
        raise AddressError(f"{_shown(url)} has no host that can be called")
    if port == 0:
        raise AddressError(f"{_shown(url)} names port 0")
    return Origin(host.rstrip("."), port or HTTPS_PORT)


def check_address(address: str, *, allow_private: bool) -> None:
    """Check an address that a name resolved to, before connecting to it.

    Args:
        address: numeric, IPv4 or IPv6.
        allow_private: whether loopback and private addresses are allowed.

    Raises:
        AddressError: it is not an address that peers may have.
    """
    try:
        parsed = ip_address(address)
    except ValueError as error:
        raise AddressError(f"{address!r} is not an address") from error
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        raise AddressError(f"the address {address} is on one network link only")
    if _in(parsed, NEVER):
        raise AddressError(f"the address {address} cannot belong to a peer")
    if _in(parsed, PRIVATE):
        if not allow_private:
            raise AddressError(f"the address {address} is not a public one", hint=PRIVATE_HINT)
        return
    if _in(parsed, EMBEDDING):
        raise AddressError(f"the address {address} stands for another address")
    public = parsed in GLOBAL_V6 if isinstance(parsed, IPv6Address) else parsed.is_global
    if not public and not allow_private:
        raise AddressError(f"the address {address} is not a public one", hint=PRIVATE_HINT)


def check_host(origin: Origin, *, allow_private: bool) -> None:
    """Check what can be said of a host before its name is resolved.

    Args:
        origin: of a URL that somebody else has named.
        allow_private: whether loopback and private addresses are allowed.

    Raises:
        AddressError: it is an address that peers may not have, or one in an odd notation.
    """
    try:
        ip_address(origin.host)
    except ValueError:
        last = origin.host.rpartition(".")[2]
        # What ends in a number is no name: resolvers read 127.1 and 0x7f000001 as addresses.
        if last.isdigit() or last.startswith("0x"):
            raise AddressError(f"{origin.host!r} is neither a name nor an address") from None
        return
    check_address(origin.host, allow_private=allow_private)


def _in(address: IPv4Address | IPv6Address, networks: tuple[object, ...]) -> bool:
    return any(address in network for network in networks)  # type: ignore[operator]


def _shown(url: str) -> str:
    """A URL without what may be a password in it."""
    return repr(url if "@" not in url else url.rsplit("@", 1)[-1])
