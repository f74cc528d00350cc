"""Texts that a spreadsheet might take for formulas.

No cell that is written begins with `=`, `+`, `-` or `@`: such a text gets an apostrophe before it,
and so does one that begins with apostrophes and one of these, so that it can be taken off again.
"""

from __future__ import annotations

import re

__all__ = ["neutral", "plain"]

_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def plain(text: str) -> str:
    """What `neutral` made it of."""
    return text[1:] if _NEUTRALISED.match(text) else text
