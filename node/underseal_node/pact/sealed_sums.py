"""`/extensions/sealed-sum`: the sealed sums that a peer is granted, each by a grant of its own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from underseal_node.pact.access import PublicContext
from underseal_node.pact.cursors import SEALS
from underseal_node.pact.footprints import footprint_id_of
from underseal_node.pact.parts import headers_of, part_of
from underseal_protocol.seal.sealed_sum import SEALED_SUM_PATH

__all__ = ["SealedSumsEndpoint"]

SEALS_PER_PAGE = 1_000
NO_STORE = {"cache-control": "no-store"}


class SealedSumsEndpoint:
    """Serves sealed sums to whoever may see them.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def show(self, request: Request) -> Response:
        """The sealed sum of one footprint.

        Raises:
            NotFoundError: there is none, or it or the footprint is not granted.
        """
        now = self._context.node.now()
        claims = self._context.claims(request.scope, now)
        footprint_id = footprint_id_of(request.path_params["id"])
        found = await self._context.serving.sealed_sum(claims, footprint_id, now)
        return JSONResponse(found.to_json(), headers=NO_STORE)

    async def list(self, request: Request) -> Response:
        """Which there are: the footprint and the digest of each.

        Raises:
            BadRequestError: `limit` is no number, or the cursor is not of this node.
        """
        context = self._context
        now = context.node.now()
        claims = context.claims(request.scope, now)
        after, size = part_of(request, context.cursors, SEALS, SEALS_PER_PAGE)
        page = await context.serving.sealed_sums(claims, after, size, now)
        headers = headers_of(request, context.cursors, SEALS, SEALED_SUM_PATH, size, page.next_id)
        data = [{"footprintId": name, "digest": digest} for name, digest in page.seals]
        return JSONResponse({"data": data}, headers=headers)
