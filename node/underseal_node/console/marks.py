"""`_`: marks a text for the catalogues; it is translated where it is shown."""

from __future__ import annotations

__all__ = ["_"]


def _(text: str) -> str:
    return text
