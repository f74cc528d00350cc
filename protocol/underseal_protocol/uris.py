"""URLs as text (RFC 3986): the grammar, and how addresses in other scripts are written with it."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote

__all__ = ["as_uri"]

# RFC 3986 appendix A.
_PLAIN = r"A-Za-z0-9\-._~!$&'()*+,;="
_ENCODED = "%[0-9A-Fa-f]{2}"
_PCHAR = rf"(?:[{_PLAIN}:@]|{_ENCODED})"
_USER = rf"(?:[{_PLAIN}:]|{_ENCODED})*@"
_IP_LITERAL = rf"\[(?:(?P<ipv6>[0-9A-Fa-f:.]+)|[vV][0-9A-Fa-f]+\.[{_PLAIN}:]+)\]"
_NAME = rf"(?:[{_PLAIN}]|{_ENCODED})*"
_AUTHORITY = rf"(?:{_USER})?(?:{_IP_LITERAL}|{_NAME})(?::[0-9]*)?"
_SEGMENTS = rf"(?:/{_PCHAR}*)*"
# An empty path without an authority is let out: a scheme alone is no address.
_PATH = rf"(?://{_AUTHORITY}{_SEGMENTS}|/(?:{_PCHAR}+{_SEGMENTS})?|{_PCHAR}+{_SEGMENTS})"
_MORE = rf"(?:{_PCHAR}|[/?])*"
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{_PATH}(?:\?{_MORE})?(?:\#{_MORE})?")

# RFC 3987 section 2.2, without its finer points.
_OTHER_SCRIPTS = re.compile("[\u00a1-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd]+")


def as_uri(text: str) -> str | None:
    """A URL as RFC 3986 writes it; None if it is none.

    Characters of other scripts are percent-encoded (RFC 3987 section 3.1), all others stay as they
    are: what is a URI already comes back unchanged.
    """
    if not text.isascii():
        if re.search(r"\s", text):
            return None
        text = _OTHER_SCRIPTS.sub(lambda found: quote(found[0]), text)
    found = _URI.fullmatch(text)
    if found is None:
        return None
    if found["ipv6"] is not None:
        try:
            IPv6Address(found["ipv6"])
        except AddressValueError:
            return None
    return text
