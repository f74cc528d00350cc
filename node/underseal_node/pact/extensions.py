"""What Underseal adds to the endpoints of PACT, under the same grants:

- `GET /extensions/status/{id}`: the signed status of a footprint;
- `GET /extensions/attestations/{id}`: what verifiers attest beside it;
- `GET /extensions/grants`: the grants of whoever asks, with their usage terms.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from underseal_node.pact.access import PublicContext
from underseal_node.pact.cursors import GRANTS
from underseal_node.pact.footprints import footprint_id_of
from underseal_node.pact.parts import headers_of, part_of
from underseal_protocol.usage_terms import GRANTS_PATH

__all__ = [
    "ATTESTATIONS_PATH",
    "STATUS_PATH",
    "AttestationsEndpoint",
    "GrantsEndpoint",
    "StatusEndpoint",
]

STATUS_PATH = "/extensions/status"
ATTESTATIONS_PATH = "/extensions/attestations"

GRANTS_PER_PAGE = 1_000


class GrantsEndpoint:
    """Tells peers what they have been granted, and under what terms.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            BadRequestError: `limit` is no number, or the cursor is not of this node.
        """
        context = self._context
        now = context.node.now()
        claims = context.claims(request.scope, now)
        after, size = part_of(request, context.cursors, GRANTS, GRANTS_PER_PAGE)
        page = await context.serving.grants(claims, after, size, now)
        headers = headers_of(request, context.cursors, GRANTS, GRANTS_PATH, size, page.next_id)
        return JSONResponse({"data": [one.to_json() for one in page.grants]}, headers=headers)


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
        statement = await self._context.serving.status_statement(claims, footprint_id, now)
        return Response(statement, media_type="application/jwt")


class AttestationsEndpoint:
    """Serves what verifiers attest beside a footprint (a JWS each).

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            NotFoundError: there is none, or the footprint is not granted.
        """
        now = self._context.node.now()
        claims = self._context.claims(request.scope, now)
        footprint_id = footprint_id_of(request.path_params["id"])
        found = await self._context.serving.attestations(claims, footprint_id, now)
        return JSONResponse({"data": found})
