"""Until when the certificate that an address shows is valid."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

from cryptography import x509

from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.wire import trust_context
from underseal_node.settings import Settings

__all__ = ["certificate_end"]


async def certificate_end(settings: Settings, url: str, ca_pem: str | None) -> datetime:
    """Connect, verify the certificate, and read its end.

    Args:
        settings: trust anchors and time-outs.
        url: https.
        ca_pem: further trust anchors.

    Raises:
        OSError: there is no connection, or the certificate is not accepted (`ssl.SSLError`).
        NodeError: the URL must not be called.
    """
    origin = origin_of(url)
    async with asyncio.timeout(settings.http_connect_timeout_seconds):
        _, writer = await asyncio.open_connection(
            origin.host, origin.port, ssl=trust_context(settings.ca_file, ca_pem)
        )
    try:
        encoded = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return x509.load_der_x509_certificate(encoded).not_valid_after_utc
