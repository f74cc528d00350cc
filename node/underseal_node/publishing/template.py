"""The workbook that a supplier fills in: one row for each footprint."""

from __future__ import annotations

__all__ = ["workbook"]


def workbook() -> bytes:
    """An empty workbook (.xlsx) with explanations, drop-downs and an example."""
    raise NotImplementedError
