"""Which URLs and addresses may be called."""

from __future__ import annotations

import pytest

from underseal_node.exchange.addresses import Origin, check_address, origin_of
from underseal_node.exchange.errors import AddressError

# Reached when the setting allows it.
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "192.88.99.1",
    "::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "2001:db8::1",
    "3fff::1",
]

# Never reached.
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::",
    "not an address",
    "127.1",
    "0x7f000001",
]

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a01:4f8::1"]


@pytest.mark.parametrize("address", PRIVATE + NEVER)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(AddressError):
        check_address(address, allow_private=False)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_refused_whatever_the_setting(address: str) -> None:
    with pytest.raises(AddressError):
        check_address(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_allowed_by_the_setting(address: str) -> None:
    check_address(address, allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    check_address(address, allow_private=False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://peer.example", "https://peer.example"),
        ("https://PEER.example:443/a/b?c=d", "https://peer.example"),
        ("https://peer.example:8443/", "https://peer.example:8443"),
        ("https://peer.example./", "https://peer.example"),
        ("https://[2a01:4f8::1]:8443/x", "https://[2a01:4f8::1]:8443"),
    ],
)
def test_the_origin_of_a_url(url: str, expected: str) -> None:
    assert str(origin_of(url)) == expected


def test_a_default_port_is_the_same_origin_as_none() -> None:
    assert origin_of("https://a.example:443/x") == origin_of("https://A.example/y")
    assert origin_of("https://a.example:444") != origin_of("https://a.example")
    assert origin_of("https://a.example") == Origin("a.example", 443)


@pytest.mark.parametrize(
    "url",
    [
        "http://peer.example",
        "HTTP://peer.example",
        "ftp://peer.example",
        "file:///etc/passwd",
        "gopher://peer.example",
        "peer.example",
        "//peer.example",
        "https://",
        "https:///path",
        "https://user@peer.example",
        "https://user:secret@peer.example",
        "https://peer.example@evil.example",
        "https://@peer.example",
        "https://peer.example#fragment",
        "https://peer.example:0",
        "https://peer.example:99999",
        "https://peer.example:port",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://peer.example\\@evil.example",
        "https://peer.example/a b",
        "https://peer.example/\n",
        "https://pe\ter.example/",
        "https://peer.example/" + "a" * 9000,
    ],
)
def test_urls_that_are_not_called(url: str) -> None:
    with pytest.raises(AddressError):
        origin_of(url)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(AddressError) as caught:
        origin_of("http://user:hunter2@peer.example")
    assert "hunter2" not in caught.value.diagnosis()
