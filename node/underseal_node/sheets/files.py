"""What kind of file it is, by its content."""

from __future__ import annotations

from enum import Enum, auto

from underseal_node.errors import RefusedError
from underseal_node.settings import Settings

__all__ = ["Form", "form_of"]

ZIP_MARK = b"PK\x03\x04"
OLD_EXCEL_MARK = b"\xd0\xcf\x11\xe0"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
JSON_STARTS = (b"{", b"[")


class Form(Enum):
    """How a file is written."""

    JSON = auto()
    WORKBOOK = auto()
    CSV = auto()


def form_of(name: str, content: bytes, settings: Settings) -> Form:
    """How a file is written; whether it can be read is another question.

    Args:
        name: helps only with what has no content that tells.
        content: all of it.
        settings: whose limits hold.

    Raises:
        RefusedError: it is too large, empty, or of a form that is not read.
    """
    if len(content) > settings.max_import_bytes:
        raise RefusedError(
            f"the file has {len(content)} bytes, at most {settings.max_import_bytes} are taken",
            hint="Split it, or raise max_import_bytes.",
        )
    if not content.strip():
        raise RefusedError("the file is empty")
    if content.startswith(OLD_EXCEL_MARK):
        raise RefusedError(
            "this is an Excel file of the old kind, or one with a password",
            hint="Save it as .xlsx without a password and try again.",
        )
    start = content[:64].removeprefix(BYTE_ORDER_MARK).lstrip()
    if start.startswith(JSON_STARTS) or name.lower().endswith(".json"):
        return Form.JSON
    return Form.WORKBOOK if content.startswith(ZIP_MARK) else Form.CSV
