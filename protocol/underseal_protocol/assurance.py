"""The level of assurance of a verification."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["AssuranceLevel"]


class AssuranceLevel(StrEnum):
    """The level of assurance (ISO 14064-3, section 4)."""

    LIMITED = "limited"
    REASONABLE = "reasonable"
