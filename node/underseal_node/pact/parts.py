"""Answers of our own endpoints that come in pages, each with a link to the next one (RFC 8288)."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request

from underseal_node.pact.cursors import Cursors
from underseal_node.pact.footprints import limit_of, query_items
from underseal_node.pact.gate import BASE_URL

__all__ = ["headers_of", "part_of"]


def part_of(request: Request, cursors: Cursors, kind: bytes, most: int) -> tuple[int, int]:
    """Behind which number the page begins that is asked for, and how long it may be.

    Args:
        request: with `limit` and `cursor` in its query, or not.
        cursors: of this node.
        kind: of the cursor.
        most: that a page may hold.

    Raises:
        BadRequestError: `limit` is no number, or the cursor is not of this node.
    """
    asked = {name.lower(): value for name, value in query_items(request.scope["query_string"])}
    cursor, limit = asked.get("cursor"), limit_of(asked.get("limit", ""))
    after = cursors.open(kind, cursor) if cursor else 0
    # A limit of 0 is answered with one: there is nothing to hide from its owner.
    return after, min(max(most if limit is None else limit, 1), most)


def headers_of(
    request: Request, cursors: Cursors, kind: bytes, path: str, size: int, next_id: int | None
) -> dict[str, str]:
    """The headers of a page.

    Args:
        path: of the endpoint.
        size: as `part_of` has it.
        next_id: the number that the next page begins behind; None if this is the last one.
    """
    headers = {"cache-control": "no-store"}
    if next_id is not None:
        query = urlencode({"limit": size, "cursor": cursors.seal(kind, next_id)})
        headers["link"] = f'<{request.scope[BASE_URL]}{path}?{query}>; rel="next"'
    return headers
