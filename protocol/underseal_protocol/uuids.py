"""UUIDs as text (RFC 9562 section 4), in the one form with hyphens."""

from __future__ import annotations

import re

__all__ = ["is_uuid"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(value: object) -> bool:
    """Whether it is a UUID: 32 hexadecimal digits in five groups, of any version."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
