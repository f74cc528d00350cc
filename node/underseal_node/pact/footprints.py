"""`GET /3/footprints` and `GET /3/footprints/{id}` (PACT 3.0, ListFootprints and GetFootprint).

The endpoints are ASGI applications: nothing is between the query and the bytes on the wire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from starlette.types import Receive, Scope, Send

from underseal_node.errors import NotFoundError
from underseal_node.pact.access import PublicContext, respond
from underseal_node.pact.cursors import PAGE, WATERMARK
from underseal_node.pact.errors import BadRequestError
from underseal_node.pact.gate import ANSWERED, BASE_URL
from underseal_node.store.serving import PageQuery
from underseal_protocol.criteria import Criteria
from underseal_protocol.seal.sealed_sum import SEALED_SUM_PATH

__all__ = ["CHANGED_AFTER", "PATH", "UUID", "GetFootprint", "ListFootprints", "footprint_id_of"]

PATH = "/3/footprints"
CURSOR = "cursor"
LIMIT = "limit"
CHANGED_AFTER = "x-underseal-changed-after"
WATERMARK_HEADER = b"x-underseal-watermark"

OK = 200
MAX_QUERY_BYTES = 32 * 1024
MAX_PARAMETERS = 1_000
# How many query strings of what length are understood only once.
REMEMBERED = 1_024
REMEMBERED_BYTES = 2 * 1024
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
EMPTY = b'{"data":[]}'
DIGITS = re.compile("[0-9]{1,4000}")

Items = tuple[tuple[str, str], ...]


class GetFootprint:
    """One footprint.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        context = self._context
        now = context.node.now()
        claims = context.claims(scope, now)
        footprint_id = footprint_id_of(scope["path_params"]["id"])
        footprint = await context.serving.footprint(claims, footprint_id, now)
        headers = []
        if footprint.has_seal:
            target = f"{scope[BASE_URL]}{SEALED_SUM_PATH}/{footprint_id}"
            headers.append((b"link", f'<{target}>; rel="related"; title="sealed sum"'.encode()))
        scope[ANSWERED] = OK
        await respond(send, b'{"data":' + footprint.body + b"}", headers)


@dataclass(frozen=True, slots=True, eq=False)
class ListQuery:
    """What the query string of a list asks for.

    Attributes:
        items: all parameters, in order.
        page: which footprints.
        is_for_nothing: the limit is 0.
    """

    items: Items
    page: PageQuery
    is_for_nothing: bool


class ListFootprints:
    """A page of the footprints that the requester has been granted.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        settings = context.node.settings
        self._default_limit = settings.default_page_size
        self._max_limit = settings.max_page_size
        self._remembered_query = lru_cache(maxsize=REMEMBERED)(self._query)
        self._remembered_link = lru_cache(maxsize=REMEMBERED)(self._link)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        context = self._context
        now = context.node.now()
        claims = context.claims(scope, now)
        text = scope["query_string"]
        is_short = len(text) <= REMEMBERED_BYTES
        asked = self._remembered_query(text) if is_short else self._query(text)
        page = await context.serving.page(
            claims, asked.page, now, is_shown=not asked.is_for_nothing
        )
        headers = [(WATERMARK_HEADER, self._watermark(page.watermark))]
        if asked.is_for_nothing:
            scope[ANSWERED] = OK
            await respond(send, EMPTY, headers)
            return
        if page.next_seq is not None:
            link = self._remembered_link if is_short else self._link
            headers.append((b"link", link(scope[BASE_URL], asked.items, page.next_seq)))
        scope[ANSWERED] = OK
        await respond(send, page.body, headers)

    def _query(self, text: bytes) -> ListQuery:
        items = query_items(text)
        own = {name.lower(): value for name, value in items}
        limit = limit_of(own.get(LIMIT, ""))
        if limit is None:
            limit = self._default_limit
        page = PageQuery(
            Criteria.from_query(items),
            self._after(own.get(CURSOR, "")),
            min(max(limit, 1), self._max_limit),
            self._changed_after(own.get(CHANGED_AFTER, "")),
        )
        return ListQuery(items, page, is_for_nothing=limit == 0)

    def _after(self, text: str) -> int:
        return self._context.cursors.open(PAGE, text) if text else 0

    def _changed_after(self, text: str) -> int | None:
        if not text:
            return None
        try:
            return self._context.cursors.open(WATERMARK, text)
        except BadRequestError:
            # From before this node was restored or got a new key: everything may have changed.
            return None

    def _watermark(self, number: int) -> bytes:
        return self._context.cursors.seal_anew(WATERMARK, number).encode("ascii")

    def _link(self, base_url: str, items: Items, next_seq: int) -> bytes:
        """The pagination link (RFC 8288): same filters, same limit, the next position."""
        kept = [(name, value) for name, value in items if name.lower() != CURSOR]
        query = urlencode([*kept, (CURSOR, self._context.cursors.seal(PAGE, next_seq))])
        return f'<{base_url}{PATH}?{query}>; rel="next"'.encode("ascii")


def footprint_id_of(text: str) -> str:
    """A footprint id from a path, in lower case.

    Raises:
        NotFoundError: it is not a UUID, so there is no such footprint.
    """
    footprint_id = text.lower()
    if not UUID.fullmatch(footprint_id):
        raise NotFoundError("there is no such footprint")
    return footprint_id


def query_items(query: bytes) -> Items:
    """The parameters of a query string, in order.

    Raises:
        BadRequestError: it is too long, or there are too many.
    """
    if len(query) > MAX_QUERY_BYTES:
        raise BadRequestError(f"the query is longer than {MAX_QUERY_BYTES} bytes")
    try:
        items = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise BadRequestError(f"the query has more than {MAX_PARAMETERS} parameters") from None
    return tuple(items)


def limit_of(text: str) -> int | None:
    """The parameter `limit`; `None` if it is absent or empty.

    Raises:
        BadRequestError: it is not a number.
    """
    if not text:
        return None
    if not DIGITS.fullmatch(text):
        raise BadRequestError("limit is not a whole number >= 0")
    digits = text.lstrip("0") or "0"
    return int(digits[:18])  # 18 digits are more than any page has
