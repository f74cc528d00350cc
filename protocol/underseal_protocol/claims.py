"""Registered claims of JWTs (RFC 7519 section 4.1), in the form that all we sign has."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from underseal_protocol.errors import CredentialError

__all__ = ["expected_issuers", "issue_time"]

_MAX_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z


def expected_issuers(issuer: str | Collection[str] | None) -> list[str] | None:
    """The URLs that may stand in `iss`; None if any may."""
    if issuer is None:
        return None
    given = [issuer] if isinstance(issuer, str) else issuer
    return list(dict.fromkeys(url.rstrip("/") for url in given))


def issue_time(value: Any) -> datetime:
    """The claim `iat` (RFC 7519 section 4.1.6), which we write in whole seconds.

    Raises:
        CredentialError: it is no whole number of seconds since 1970 before the year 10000.
    """
    if type(value) is not int or not 0 <= value <= _MAX_TIME:
        raise CredentialError(f"iat is {value!r}, expected whole seconds since 1970")
    return datetime.fromtimestamp(value, UTC)
