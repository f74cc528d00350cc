"""Certificates of the public listener."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from underseal_node.errors import ConfigurationError
from underseal_node.home import write_private

__all__ = ["TlsFiles", "development_certificate", "server_context"]


@dataclass(frozen=True)
class TlsFiles:
    """Where certificate and key are.

    Attributes:
        certificate: the chain, PEM.
        key: of the first certificate, PEM, not encrypted.
        authority: of a development certificate, for those who have to trust it.
    """

    certificate: Path
    key: Path
    authority: Path | None = None


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """A context for the public listener: TLS 1.2 or newer.

    Raises:
        ConfigurationError: a file is missing or malformed, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        # An encrypted key would make OpenSSL ask at the terminal; the empty password fails instead.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ssl.SSLError) as error:  # SSLError is an OSError; named for the reader
        raise ConfigurationError(
            f"the certificate {files.certificate} with the key {files.key} cannot be used: {error}",
            hint="Both have to be PEM files, the key without a passphrase and made for the "
            "certificate.",
        ) from error
    return context


def development_certificate(directory: Path, url: str) -> TlsFiles:
    """A certificate for the host of the node's URL, from an authority made for the purpose.

    Whoever wants to connect has to trust the authority's file. The private key of the authority is
    not kept. A certificate from an earlier start is used again.

    Args:
        directory: the TLS directory of the home.
        url: of the node.
    """
    host = urlsplit(url).hostname or ""
    files = TlsFiles(
        directory / "development-certificate.pem",
        directory / "development-key.pem",
        directory / "development-ca.pem",
    )
    paths = (files.certificate, files.key, files.authority)
    if all(path is not None and path.exists() for path in paths) and _names(files, host):
        return files
    import trustme  # only for development

    authority = trustme.CA(organization_name="Underseal development")
    names = list(dict.fromkeys([host, "localhost", "127.0.0.1"]))
    issued = authority.issue_cert(*names, organization_name="Underseal development")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    write_private(files.key, issued.private_key_pem.bytes())
    write_private(files.certificate, chain)
    assert files.authority is not None  # noqa: S101 - set above
    write_private(files.authority, authority.cert_pem.bytes())
    return files


def _names(files: TlsFiles, host: str) -> bool:
    """Whether the certificate is for this host."""
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        return host in names.get_values_for_type(x509.DNSName)
