"""`GET /extensions/status/{id}`: the signed status of a footprint, under the same grants."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from underseal_node.pact.access import PublicContext
from underseal_node.pact.footprints import footprint_id_of

__all__ = ["StatusEndpoint"]


class StatusEndpoint:
    """Serves status statements (a JWS each).

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            NotFoundError: there is no statement, or the footprint is not granted.
        """
        now = self._context.node.now()
        claims = self._context.claims(request.scope, now)
        footprint_id = footprint_id_of(request.path_params["id"])
        statement = await self._context.serving.status_statement(
            claims.client_id, claims.issued_at, footprint_id, now
        )
        return Response(statement, media_type="application/jwt")
