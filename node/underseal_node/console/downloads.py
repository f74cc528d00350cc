"""Answers that browsers save as files."""

from __future__ import annotations

from starlette.responses import Response

from underseal_node.console.pages import HEADERS

__all__ = ["CSV", "JSON", "XLSX", "attached", "headers_of"]

CSV = "text/csv; charset=utf-8"
JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def headers_of(name: str) -> dict[str, str]:
    """The headers of a file (RFC 6266).

    Args:
        name: of ASCII letters, digits, dots and dashes.
    """
    return {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}


def attached(content: bytes, name: str, media_type: str) -> Response:
    """A file to be kept.

    Args:
        content: of it.
        name: as in `headers_of`.
        media_type: of it.
    """
    return Response(content, headers=headers_of(name), media_type=media_type)
