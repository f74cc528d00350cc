"""`/extensions/receipts`: acknowledgements of peers, and our receipts for them.

This process cannot sign receipts: it stores the acknowledgement and waits a little for the
management process.
"""

from __future__ import annotations

import asyncio
import time

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.errors import NotFoundError
from underseal_node.pact.access import PublicContext, read_body
from underseal_node.pact.errors import AccessDeniedError, BadRequestError, ConflictError
from underseal_node.pact.footprints import footprint_id_of
from underseal_node.pact.gate import BASE_URL
from underseal_node.store import pins, receipts
from underseal_node.store.audit_tables import Receipt, ReceiptRole, ReceiptState
from underseal_node.store.standing import standing_peer
from underseal_node.trust.receipts import pinned_keys
from underseal_protocol.errors import CredentialError
from underseal_protocol.receipt import MAX_CHARACTERS, Acknowledgement, read_acknowledgement

__all__ = ["PATH", "ReceiptsEndpoint"]

PATH = "/extensions/receipts"
JWT = "application/jwt"
LOOK_SECONDS = 0.1
RETRY_SECONDS = 2
READ_AT_ONCE_CHARACTERS = 16 * 1024
# Of one peer, at a time: it waits for the answer to one before it asks for the next.
MAX_PENDING = 10


class ReceiptsEndpoint:
    """Takes acknowledgements and hands out receipts.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        self._one_at_a_time = asyncio.Semaphore(1)

    async def create(self, request: Request) -> Response:
        """Take an acknowledgement. The same one again is answered by the same receipt.

        Raises:
            AccessDeniedError: no keys of the requester are pinned here.
            BadRequestError: it is from or for somebody else, or too many are waiting.
            ConflictError: nothing of what it acknowledges was served to the requester.
            ProtocolError: it is malformed, or not signed by the requester.
        """
        context = self._context
        now = context.node.now()
        requester = await context.requester(request.scope, now)
        body = await read_body(request.scope, request.receive, MAX_CHARACTERS)
        given = await self._read(requester.peer_id, body)

        def work(session: Session) -> str:
            standing_peer(session, requester, context.node.now())
            known = receipts.find(session, ReceiptRole.ISSUED, requester.peer_id, given.digest)
            if known is not None:
                return known.id
            if receipts.count_pending(session, requester.peer_id) >= MAX_PENDING:
                raise BadRequestError("too many acknowledgements are waiting; try later")
            row = receipts.add(
                session,
                ReceiptRole.ISSUED,
                requester.peer_id,
                given.digest,
                given.token,
                context.node.now(),
            )
            return row.id

        receipt_id = await context.node.store.write(work)
        return await self._answer(request, requester.peer_id, receipt_id, wait=True)

    async def show(self, request: Request) -> Response:
        """A receipt that was not ready when it was asked for.

        Raises:
            NotFoundError: the requester has not asked for a receipt of this id.
            ConflictError: nothing of what it has acknowledged was served to it.
        """
        context = self._context
        now = context.node.now()
        requester = await context.requester(request.scope, now)
        receipt_id = footprint_id_of(request.path_params["id"])  # it is a UUID, too
        return await self._answer(request, requester.peer_id, receipt_id, wait=False)

    async def _read(self, peer_id: int, body: bytes) -> Acknowledgement:
        """Check an acknowledgement; a large one beside the event loop, and one at a time."""
        node = self._context.node
        peer = await node.store.read(lambda session: pins.peer_row(session, peer_id))
        keys = pinned_keys(peer)
        if not len(keys) or peer.issuer is None:
            raise AccessDeniedError("no keys of yours are known here to check a signature with")
        try:
            token = body.decode("ascii").strip()
        except UnicodeDecodeError:
            raise CredentialError("an acknowledgement is a JWS") from None
        if len(token) <= READ_AT_ONCE_CHARACTERS:
            given = read_acknowledgement(token, keys=keys)
        else:
            async with self._one_at_a_time:
                given = await asyncio.to_thread(read_acknowledgement, token, keys=keys)
        if given.issuer != peer.issuer.rstrip("/"):
            raise BadRequestError("the acknowledgement is not from you")
        # It may have been written before a move, or before this process has heard of one.
        if given.audience not in (await node.look()).urls:
            raise BadRequestError("the acknowledgement is for another node")
        return given

    async def _answer(
        self, request: Request, peer_id: int, receipt_id: str, *, wait: bool
    ) -> Response:
        store = self._context.node.store
        end = time.monotonic() + self._context.node.settings.receipt_wait_seconds

        def look(session: Session) -> Receipt:
            row = receipts.get(session, receipt_id)
            if row is None or row.peer_id != peer_id or row.role != ReceiptRole.ISSUED:
                raise NotFoundError("there is no such receipt")
            return row

        while (row := await store.read(look)).state in receipts.WAITING:
            if not wait or time.monotonic() + LOOK_SECONDS > end:
                where = f"{request.scope[BASE_URL]}{PATH}/{receipt_id}"
                headers = {"location": where, "retry-after": str(RETRY_SECONDS)}
                return Response(status_code=202, headers=headers)
            await asyncio.sleep(LOOK_SECONDS)
        if row.state == ReceiptState.REFUSED:
            raise ConflictError("nothing of this was served to you")
        if row.token is None:
            raise BadRequestError(f"there is no receipt for this: {row.reason}")
        return Response(row.token, media_type=JWT)
