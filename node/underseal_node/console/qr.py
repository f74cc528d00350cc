"""QR codes (ISO/IEC 18004) of short texts."""

from __future__ import annotations

import segno

__all__ = ["picture_of"]

ERROR_CORRECTION = "m"  # 15 % of the picture may be lost: enough for paper, and not too fine


def picture_of(text: str) -> str:
    """A QR code of a text, as the address of a picture (`data:`) that needs no further call."""
    code = segno.make(text, error=ERROR_CORRECTION, micro=False)
    return code.svg_data_uri(scale=4, light="#fff", dark="#000", omitsize=True)
