"""What the HTTP client is made of: trust anchors, name resolution, encodings, `Retry-After`."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import certifi

from underseal_node.errors import ConfigurationError
from underseal_node.exchange.errors import ProtocolViolationError

__all__ = ["decoder", "first_line", "parse_retry_after", "resolve_name", "trust_context"]

ANY_ENCODING = 32 + zlib.MAX_WBITS  # gzip or zlib, by its header


def trust_context(ca_file: Path | None, ca_pem: str | None) -> ssl.SSLContext:
    """TLS with the system's trust anchors and those of certifi, and what the operator added.

    Args:
        ca_file: the setting `ca_file`.
        ca_pem: trust anchors of one peer.

    Raises:
        ConfigurationError: what was added is not PEM.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    source = f"the file {ca_file}"
    try:
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
        source = "the CA of the peer"
        if ca_pem is not None:
            context.load_verify_locations(cadata=ca_pem)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"{source} holds no certificates that can be read: {first_line(error)}",
            hint="PEM is expected: -----BEGIN CERTIFICATE----- ...",
        ) from error
    return context


async def resolve_name(host: str, port: int) -> list[str]:
    """All addresses of a name by the system's resolver, without repetitions.

    Raises:
        OSError: there are none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """`Retry-After` in seconds from now (RFC 9110 section 10.2.3); `None` when it says nothing."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date, or one that no calendar has
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return max(0.0, (instant - now).total_seconds())


def decoder(encoding: str) -> Callable[[bytes, int], bytes]:
    """A function that decodes a chunk to at most one byte more than what is left.

    Args:
        encoding: `Content-Encoding`, in lower case.

    Raises:
        ProtocolViolationError: it is not one that we can undo within a limit.
    """
    if encoding in ("", "identity"):
        return lambda chunk, left: chunk
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ProtocolViolationError(f"the answer is encoded with {encoding!r}, not asked for")
    inflate = zlib.decompressobj(ANY_ENCODING)

    def decode(chunk: bytes, left: int) -> bytes:
        try:
            # A few kilobytes can unpack to gigabytes: zlib stops one byte after the limit.
            return inflate.decompress(chunk, max(1, left + 1))
        except zlib.error as error:
            raise ProtocolViolationError(f"the answer cannot be unpacked: {error}") from error

    return decode


def first_line(error: BaseException) -> str:
    """The beginning of what an exception says, on one line."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]
